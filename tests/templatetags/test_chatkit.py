from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.http import HttpRequest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils.translation import override

import chatkit_app
from chatkit_app.templatetags.chatkit import words

STATIC = Path(chatkit_app.__file__).parent / "static/chatkit_app"


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    return rf.get("/")


def render(request: HttpRequest, tag: str, **values: object) -> str:
    template = Template("{% load chatkit %}" + tag)
    return template.render(RequestContext(request, values))


def test_the_tag_draws_the_element_its_words_and_its_script(
    request_: HttpRequest,
) -> None:
    html = render(request_, '{% chatkit "test" %}')

    assert 'assistant="test"' in html
    assert 'url="/chatkit/"' in html
    assert 'heading="Test assistant"' in html
    assert re.search(r'csrf-token="\w{64}"', html)
    assert '<script type="module" src="/static/chatkit_app/define.js"></script>' in html


def test_a_simulated_provider_is_marked(request_: HttpRequest) -> None:
    assert re.search(
        r"<chatkit-thread[^>]*\ssimulated\s", render(request_, '{% chatkit "test" %}')
    )


def test_two_chats_in_a_page_share_words_and_script(request_: HttpRequest) -> None:
    html = render(request_, '{% chatkit "test" %}{% chatkit "test" theme="dark" %}')

    assert html.count("<chatkit-thread") == 2
    assert html.count("application/json") == html.count('type="module"') == 1


def test_an_unknown_assistant_is_a_clear_error(request_: HttpRequest) -> None:
    with pytest.raises(TemplateSyntaxError, match="No assistant is called 'nobody'"):
        render(request_, '{% chatkit "nobody" %}')


def test_what_a_page_passes_on_is_escaped(request_: HttpRequest) -> None:
    html = render(
        request_, '{% chatkit "test" thread=thread %}', thread='"><script>x</script>'
    )

    assert "<script>x" not in html
    assert 'thread="&quot;&gt;&lt;script&gt;' in html


def test_nothing_inline_is_needed_of_a_content_security_policy(
    request_: HttpRequest,
) -> None:
    html = render(request_, '{% chatkit "test" %}')

    assert " style=" not in html
    assert re.findall(r"<script(?![^>]*(?:\ssrc=|application/json))", html) == []


def test_it_can_be_drawn_without_a_request() -> None:
    html = Template('{% load chatkit %}{% chatkit "test" url="/elsewhere/" %}').render(
        Context()
    )

    assert 'url="/elsewhere/"' in html


def test_the_words_of_both_languages_are_the_same() -> None:
    script = (STATIC / "element-strings.js").read_text()
    table = script[script.index("ENGLISH") : script.index("})")]
    english = {
        name: json.loads(text)
        for name, text in re.findall(
            r'^  (\w+):\s+("(?:[^"\\]|\\.)*"),$', table, re.MULTILINE
        )
    }

    with override("en"):
        assert words() == english


def test_every_word_is_used() -> None:
    scripts = "".join(
        path.read_text()
        for path in [*STATIC.glob("element-*.js"), STATIC / "thread-element.js"]
        if path.name != "element-strings.js"
    )

    unused = [
        name
        for name in words()
        if f'"{name}"' not in scripts and not name.startswith("error")
    ]

    assert unused == []
