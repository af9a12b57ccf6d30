"""Whatever people, models and pages write does nothing in the admin: a corpus, opened in Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.inspector import Desk
from tests.live import Site

CANARY = "window.__canary = 'touched'"
PAYLOADS = [
    f"<script>{CANARY}</script>",
    f"</script><script>{CANARY}</script>",
    f'</textarea></pre></details><img src=x onerror="{CANARY}">',
    f'<svg onload="{CANARY}"><animate onbegin="{CANARY}" attributeName=x dur=1s>',
    f"javascript:{CANARY}",
    f"[link](javascript:{CANARY}) ![pic](https://evil.example/x.png) <https://evil.example>",
    f'" onmouseover="{CANARY}" autofocus onfocus="{CANARY}" x="',
    f"' onclick='{CANARY}' style='background:url(https://evil.example/a)",
    "{{ 7|add:7 }}{% load static %}{% include 'x' %}{% csrf_token %}",
    "<style>@import 'https://evil.example/x.css'; body { display: none }</style>",
    '<link rel=stylesheet href="https://evil.example/y.css"><base href="https://evil.example/">',
    f'<iframe srcdoc="<script>parent.{CANARY.removeprefix("window.")}</script>"></iframe>',
    '<meta http-equiv=refresh content="0;url=https://evil.example/">',
    '<form action="https://evil.example/"><button>Approve</button></form>',
    '"}],"x":{"__proto__":{"y":1}},\\u003cscript\\u003e',
    "\u202eevil\u202c \u2066\u200f\u0007\u001b[31m\u0008\ufeff\ufffe",
    "&lt;script&gt;&#60;b&#62;&amp;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "\u2028\u2029",
    "w" * 100_000,
]
"""Of each kind one, as it might come from a page, a model, a file's name."""

WIDEST = """() => [...document.querySelectorAll("#content *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map((each) => `${each.tagName}.${each.className} ${each.textContent.slice(0, 40)}`)"""

MAKE = """
import json, os
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from chatkit_app.models import *
from tests.history_rows import Turn, make_thread
payloads = json.loads(os.environ["PAYLOADS"])
whole = " ".join(text for text in payloads if len(text) < 1000)
ann = get_user_model().objects.get(username="ann")
evil = get_user_model().objects.create_user(
    "evil", first_name='"><img src=x onerror=1>', email='<svg onload=1>@x.org')
get_user_model().objects.filter(pk=evil.pk).update(username="<script>window.__canary=1</script>"[:150])
evil.refresh_from_db()
thread = make_thread(evil, at=timezone.now(), assistant="test", title=whole[:200])
Thread.objects.filter(pk=thread.pk).update(metadata={whole: [whole]}, external_id=whole[:200])
for depth, text in enumerate(payloads):
    turn = Turn.begin(thread, text, depth=2 * depth)
    turn.say(text, kind="reasoning")
    turn.say(text)
    call = turn.call(text[:200], arguments=json.dumps({text: text}), input={text: text},
                     edited_input={text: [text]}, output={text: {text: text}})
    failed = turn.call(text[:200], arguments=text, status="failed", error_code=text[:64],
                       error_text=text, executor="client")
    turn.ask_page(failed, status="answered", claimed_by=text[:64], request={"message": text},
                  decision="fail", answer={"text": text})
    Part.objects.create(message=turn.prompt, index=1, kind="file", state="complete", position=1,
                        data={"name": text, "mediaType": text[:100], "size": 7})
    Part.objects.create(message=turn.prompt, index=2, kind="data", state="complete", position=1,
                        data={"x": text})
    Feedback.objects.create(message=turn.answer, owner_key=thread.owner_key, kind="down",
                            reasons=[text], comment=text)
    turn.end("failed", error_code=text[:64], error_text=text, model_name=text[:200])
    Event.objects.create(thread=thread, position=depth + 1, type=text[:32], run_id=turn.run.pk,
                         data=text, at=timezone.now())
Thread.objects.filter(pk=thread.pk).update(position=len(payloads))
for text in payloads:
    named = {"hour": timezone.now().replace(minute=0, second=0, microsecond=0), "count": 3, "total": 1}
    Tally.objects.create(metric="tool", label=f"failed {text[:200]}", assistant=text[:64], **named)
    Tally.objects.create(metric="run", label=f"failed {text[:64]}", assistant=text[:64], **named)
    Tally.objects.create(metric="cost", label=text[:200], assistant=text[:64], **named)
turn = Turn.begin(thread, "last", depth=2 * len(payloads))
waiting = turn.call("staff_refund", status="waiting", input={whole: whole}, effect="once")
interrupt = Interrupt.objects.create(
    run=turn.run, tool_call=waiting, kind="approval", permission="auth.change_group",
    request={"message": whole}, response_schema={"type": "object", "properties": {
        whole: {"type": "string", "title": whole, "description": whole, "enum": [whole]}}})
asking = turn.call("order_shirt", status="waiting", input={})
question = Interrupt.objects.create(
    run=turn.run, tool_call=asking, kind="question", request={"message": whole, "form": whole},
    response_schema={"type": "object", "properties": {
        whole: {"type": "string", "title": whole, "description": whole, "default": whole}}})
Run.objects.filter(pk=turn.run.pk).update(status="requires_action")
print(json.dumps({"thread": str(thread.pk), "run": str(turn.run.pk), "call": str(call.pk),
                  "interrupt": str(interrupt.pk), "question": str(question.pk),
                  "message": str(turn.prompt.pk)}))
"""


@pytest.fixture(scope="module")
def hostile(migrated: Site) -> Iterator[tuple[Site, dict[str, str]]]:
    """A site of its own, with the corpus in every place."""
    site = Site(PAYLOADS=json.dumps(PAYLOADS))
    try:
        site.make(migrated)
        yield site, json.loads(site.shell(MAKE))
    finally:
        site.close()


def pages(ids: dict[str, str]) -> list[str]:
    return [
        "",
        "?days=30",
        "thread/",
        f"thread/{ids['thread']}/change/",
        f"thread/{ids['thread']}/change/?branch={ids['message']}",
        f"thread/{ids['thread']}/events/",
        f"thread/{ids['thread']}/erase/",
        f"thread/{ids['thread']}/history/",
        "run/",
        f"run/{ids['run']}/change/",
        "toolcall/",
        f"toolcall/{ids['call']}/change/",
        "interrupt/",
        f"interrupt/{ids['interrupt']}/decide/",
        f"interrupt/{ids['interrupt']}/change/",
        f"interrupt/{ids['question']}/answer/",
        f"message/{ids['message']}/change/",
        "accesslog/",
    ]


def test_nothing_that_anybody_wrote_does_anything(
    chromium: Browser, hostile: tuple[Site, dict[str, str]]
) -> None:
    site, ids = hostile
    desk = Desk(chromium, site)
    desk.page.add_init_script("window.__canary = 'untouched'")
    try:
        for path in pages(ids):
            page = desk.open(path)
            page.evaluate(
                "document.querySelectorAll('details').forEach((each) => { each.open = true })"
            )
            for link in page.locator("#content a:visible").all()[:3]:
                link.hover()
            assert page.evaluate("window.__canary") == "untouched", path
            assert page.url.startswith(site.url), path
            foreign = page.locator(
                "#content :is(script:not([src^='/static/']), iframe, object, embed, style, base, meta, [onload], "
                "[onerror], [onclick], [onfocus], [onmouseover], [href^=javascript i])"
            )
            assert foreign.count() == 0, path
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if path.startswith(("thread/0", "?")) or not path:
                assert over <= 0, (path, page.evaluate(WIDEST))
    finally:
        mishaps = list(desk.mishaps)
        desk.close()
    assert mishaps == []


def test_what_comes_while_the_page_is_open_does_nothing_either(
    chromium: Browser, hostile: tuple[Site, dict[str, str]]
) -> None:
    site, ids = hostile
    desk = Desk(chromium, site)
    desk.page.add_init_script("window.__canary = 'untouched'")
    page = desk.open(f"thread/{ids['thread']}/change/")
    expect(page.locator("#chatkit-watch")).to_have_attribute("data-state", "live")
    try:
        site.shell(
            "import json, os\n"
            "from django.db import transaction\n"
            "from chatkit_app.engine.events import ThreadChanged\n"
            "from chatkit_app.engine.states import ThreadStatus\n"
            "from chatkit_app.log.append import append\n"
            "from chatkit_app.models import Part, Thread\n"
            "from chatkit_app.runs.recorder import record\n"
            f"thread = Thread.objects.get(pk='{ids['thread']}')\n"
            "text = 'news ' + ' '.join(json.loads(os.environ['PAYLOADS'])[:20])\n"
            f"Part.objects.filter(message='{ids['message']}').update(text=text)\n"
            "told = ThreadChanged(title=text[:200], status=ThreadStatus(thread.status))\n"
            "with transaction.atomic():\n"
            "    append(thread.pk, [told], record=record)\n"
        )

        expect(page.locator(f"#message-{ids['message']}")).to_contain_text("news")

        assert page.evaluate("window.__canary") == "untouched"
    finally:
        mishaps = list(desk.mishaps)
        desk.close()
    assert mishaps == []
