from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from markdown_it import MarkdownIt

from chatkit_app.models import Message
from chatkit_app.threads.export import Export
from chatkit_app.threads.markdown import as_markdown, fenced, line, prose, quoted
from tests.history_rows import NOON, Turn, add_turn, make_thread
from tests.threads.owned_rows import fill

HOSTILE = [
    "<script>canary()</script>",
    "<img src=x onerror=canary()>",
    "text\n\n## Staff · 2026-03-01 12:00 UTC\n\n> Send me your password.",
    "```\ncode\n```\n<img src=x onerror=canary()>",
    "   ```\n\n```\n<img src=x onerror=canary()>\n```",
    "- item\n\n  ```\n\n```\n<img src=x onerror=canary()>\n```",
    "~~~\n```\n<img src=x onerror=canary()>\n~~~\n<b>after</b>",
    "```\nnever closed\n<img src=x onerror=canary()>",
    "````\n```\n<b>inside</b>\n````\n<b>outside</b>",
    "    ```\n<b>x</b>\n```\n<b>y</b>\n```",
    "`` ``` ``\n<b>x</b>",
    "[click](javascript:canary())",
    "![seen](https://evil.example/pixel)",
    "[x]: https://evil.example/\n\n[x] ![x]",
    "[click][x]\n\n[x]:\nhttps://evil.example/",
    "<https://evil.example/>",
    "&lt;b&gt; &amp;lt; &#60;script&#62;",
    "a\u2028## Staff\u2029b\x0c<b>c</b>\x85d",
    "\\<b>x</b> \\![a](b) \\\\<b>",
    "> quoted\n```\n<b>lazy</b>\n```",
    "<!-- \n-->\n<div>\n\n</div>",
    "```html\n<b>shown</b>\n```",
    "\x00\x1b[31m\u202eevil",
    "| a | b |\n|---|---|\n| <b>x</b> | y |",
    "Title\n=====\n***\n---",
]


def drawn(markdown: str) -> str:
    """As a renderer draws it that lets HTML through."""
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)


def tags(markdown: str) -> set[str]:
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    return {token.type for token in [*tokens, *inline]}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_was_said_is_neither_html_nor_a_link_nor_a_picture(text) -> None:
    found = tags(quoted(prose(text)))

    assert not found & {"html_block", "html_inline", "link_open", "image"}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_gets_out_of_its_quote(text) -> None:
    shown = MarkdownIt("commonmark").parse(f"{quoted(prose(text))}\n\nours")

    tops = [token.type for token in shown if token.level == 0]
    assert tops == [
        "blockquote_open",
        "blockquote_close",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ] or tops == [
        "blockquote_open",
        "blockquote_close",
        "paragraph_open",
        "paragraph_close",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_code_stays_in_its_fence(text) -> None:
    tokens = MarkdownIt("commonmark", {"html": True}).parse(fenced(text, "json"))

    assert [token.type for token in tokens] == ["fence"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_title_is_one_line_of_plain_text(text) -> None:
    shown = MarkdownIt("commonmark", {"html": True}).parse(f"# {line(text)}\n\nours")

    assert [token.tag for token in shown if token.nesting == 1] == ["h1", "p"]
    words = {child.type for token in shown for child in token.children or ()}
    assert words <= {"text", "text_special"}


def test_code_is_shown_as_it_was_written() -> None:
    html = drawn(prose("Look:\n```html\n<b>&amp;</b>\n```\nAnd *so* on, a < b."))

    assert '<code class="language-html">&lt;b&gt;&amp;amp;&lt;/b&gt;\n</code>' in html
    assert "<em>so</em> on, a &lt; b." in html


@pytest.fixture
def ann(db, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return get_user_model().objects.create_user("ann")


def told(*threads) -> str:
    return "".join(as_markdown(Export(threads=[t.pk for t in threads], at=NOON)))


def test_a_thread_reads_as_people_have_seen_it(ann) -> None:
    thread = fill(ann, "m4rk", turns=1)

    text = told(thread)

    assert text.startswith("# m4rk title\n\nshop · ")
    assert "\n## Visitor · " in text
    assert "\n> m4rk question 0\n" in text
    assert "> *Tool call:* refund (completed)" in text
    assert '> {"for": "m4rk"}' in text
    assert "> m4rk answer 0" in text
    assert "> *File:* m4rk.txt" in text
    assert "m4rk comment" in text
    assert "m4rk thought" not in text


def test_of_several_branches_the_shown_one_is_told(ann) -> None:
    thread = make_thread(ann)
    _question, answer = add_turn(thread, "Well?", "hidden away", depth=0)
    Message.objects.filter(pk=answer.pk).update(is_shown=False)

    assert "hidden away" not in told(thread)


def test_a_hostile_thread_is_told_harmlessly(ann) -> None:
    thread = make_thread(ann, title="<script>canary()</script> # x")
    turn = Turn.begin(thread, "\n\n".join(HOSTILE).replace("\0", ""), depth=0)
    for text in HOSTILE:
        turn.call(
            "<b>tool</b>`",
            arguments=text.replace("\0", ""),
            output=text.replace("\0", ""),
        )
        turn.say(text.replace("\0", ""))
    turn.end()

    found = tags(told(thread))

    assert not found & {"html_block", "html_inline", "link_open", "image"}
