from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.http import HttpRequest
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils.translation import gettext_lazy, override, pgettext

import chatkit_app
from chatkit_app.templatetags.chatkit import table_of_words

APP = Path(chatkit_app.__file__).parent
STATIC = APP / "static/chatkit_app"
SAME_IN_GERMAN = {"Chat"}


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
    assert html.count('type="application/json"') == html.count('type="module"') == 1


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


def tables_of(html: str) -> dict[str, dict[str, str]]:
    """The tables of words in a page, by their ids."""
    found = re.findall(
        r'<script id="([^"]+)" type="application/json">(.*?)</script>', html
    )
    return {name: json.loads(text) for name, text in found}


def test_a_view_names_tools_and_other_words(request_: HttpRequest) -> None:
    own = {"tool.order_status": gettext_lazy("Yesterday"), "send": "</script>Ask"}

    html = render(request_, '{% chatkit "test" words=own %}', own=own)

    (name, table), *_ = tables_of(html).items()
    assert f'strings="{name}"' in html
    assert table["tool.order_status"] == "Yesterday"
    assert table["send"] == "</script>Ask"
    assert table["stop"] == "Stop answering"
    assert html.count("</script>") == 2


def test_the_words_of_one_chat_are_not_those_of_the_next(
    request_: HttpRequest,
) -> None:
    html = render(
        request_,
        '{% chatkit "test" words=one %}{% chatkit "test" %}{% chatkit "test" words=two %}{% chatkit "test" %}',
        one={"send": "Ask"},
        two={"send": "Go"},
    )

    tables = tables_of(html)
    used = re.findall(r'strings="([^"]+)"', html)
    assert [tables[name]["send"] for name in used] == ["Ask", "Send", "Go", "Send"]
    assert len(tables) == 3
    assert html.count('type="module"') == 1


def test_a_variable_that_a_view_forgot_changes_no_words(request_: HttpRequest) -> None:
    html = render(request_, '{% chatkit "test" words=forgotten %}')

    assert list(tables_of(html)) == ["chatkit-words"]


def test_the_element_may_share_where_the_site_lets_it(
    request_: HttpRequest, settings
) -> None:
    assert re.search(r"^  sharing$", render(request_, '{% chatkit "test" %}'), re.M)

    del settings.CHATKIT_SHARING

    assert "sharing\n" not in render(request_, '{% chatkit "test" %}')


def test_in_german_every_word_is_german() -> None:
    with override("en"):
        english = table_of_words()
    with override("de"):
        german = table_of_words()

    left = {text for name, text in english.items() if german[name] == text}
    assert left == SAME_IN_GERMAN
    slots = re.compile(r"\{\w+\}")
    for name, text in english.items():
        assert slots.findall(german[name]) == slots.findall(text)


def test_the_german_page_gets_german_words(request_: HttpRequest) -> None:
    with override("de"):
        html = render(request_, '{% chatkit "test" %}')

    assert tables_of(html)["chatkit-words"]["send"] == "Senden"


def test_a_language_that_is_not_shipped_is_not_mixed_with_djangos_own_words() -> None:
    with override("en"):
        english = table_of_words()

    with override("fr"):
        assert table_of_words() == english


def test_the_compiled_translation_is_that_of_its_source() -> None:
    source = (APP / "locale/de/LC_MESSAGES/django.po").read_text()
    entries = re.findall(
        r'^msgctxt "chatkit"\nmsgid (".*")\nmsgstr (".*")$', source, re.MULTILINE
    )

    with override("de"):
        compiled = [pgettext("chatkit", json.loads(text)) for text, _ in entries]

    assert compiled == [json.loads(german) for _, german in entries]
    assert len(entries) == source.count("msgctxt")


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
        assert table_of_words() == english


def test_every_word_is_used() -> None:
    scripts = "".join(
        path.read_text()
        for path in [*STATIC.glob("element-*.js"), STATIC / "thread-element.js"]
        if path.name != "element-strings.js"
    )

    unused = [
        name
        for name in table_of_words()
        if f'"{name}"' not in scripts and not name.startswith("error")
    ]

    assert unused == []
