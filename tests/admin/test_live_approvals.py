"""Staff decide in the admin of a real server, while the visitor's page waits on its socket."""

from __future__ import annotations

import html
import re
import uuid

import pytest

from tests.live import Browser, Page, Site, text_of

CALL = 'call staff_refund {"amount": 20}'


@pytest.fixture
def admin(shared_site: Site) -> Browser:
    return Browser(shared_site).log_in("admin")


async def asked(page: Page) -> tuple[str, str]:
    """A message to which the model answers by a call that waits for the staff: thread and interrupt."""
    accepted = await page.say(CALL)
    await page.reached("requires_action")
    [interrupt] = (await page.snapshot(accepted["thread"]))["run"]["interrupts"]
    assert interrupt["approver"] == "staff"
    return accepted["thread"], interrupt["id"]


def decide(admin: Browser, interrupt: str, decision: str, **fields: str) -> str:
    """Open the approval's page, and send one of its forms; what the next page says."""
    page = f"/admin/chatkit_app/interrupt/{interrupt}/decide/"
    [submission, *_] = re.findall(
        r'name="submission" value="([0-9a-f]+)"', admin.get(page)
    )
    posted = {"decision": decision, "submission": submission, **fields}
    return html.unescape(admin.post(page, posted))


async def test_the_run_goes_on_in_the_visitors_page_when_the_staff_approve(
    visitor: Browser, admin: Browser
) -> None:
    async with visitor.page() as page:
        thread, interrupt = await asked(page)

        said = decide(admin, interrupt, "approve", confirmed="on")

        told = await page.event("tool_call.changed", state="approval-responded")
        await page.ended("completed")
        shown = text_of(await page.snapshot(thread))

    assert "Decided: staff_refund, approved." in said
    assert (told["approval"]["decision"], told["approval"]["by"]) == (
        "approve",
        "staff",
    )
    assert "refunded 20" in shown


async def test_the_tool_runs_with_the_arguments_as_the_staff_edited_them(
    visitor: Browser, admin: Browser
) -> None:
    async with visitor.page() as page:
        thread, interrupt = await asked(page)

        decide(admin, interrupt, "edit", confirmed="on", **{"input-amount": "12"})

        told = await page.event("tool_call.changed", state="approval-responded")
        await page.ended("completed")
        shown = text_of(await page.snapshot(thread))

    assert told["editedInput"] == {"amount": 12}
    assert "refunded 12" in shown


async def test_the_model_reads_why_the_staff_denied(
    visitor: Browser, admin: Browser
) -> None:
    async with visitor.page() as page:
        thread, interrupt = await asked(page)

        decide(admin, interrupt, "deny", text="Too old.")

        told = await page.event("tool_call.ended", errorCode="denied")
        await page.ended("completed")
        shown = text_of(await page.snapshot(thread))

    assert told["approval"]["reason"] == "Too old."
    assert "Too old." in shown


async def test_the_staff_answer_over_http_what_the_visitor_waits_for(
    visitor: Browser, admin: Browser
) -> None:
    async with visitor.page() as page:
        thread, interrupt = await asked(page)

        waiting = admin.get_json(f"/chatkit/api/interrupts/?thread={thread}")
        assert [row["id"] for row in waiting["results"]] == [interrupt]
        answer = {"interrupt": interrupt, "decision": "approve"}
        taken = admin.post_json(
            "/chatkit/api/interrupts/", {"id": uuid.uuid4().hex, "answers": [answer]}
        )

        await page.ended("completed")
        assert taken["interrupts"] == [interrupt]
        assert admin.get_json(f"/chatkit/api/interrupts/?thread={thread}") == {
            "next": None,
            "previous": None,
            "results": [],
        }


RIGHTS = """
from django.contrib.auth.models import Permission, User
rights = Permission.objects.filter(codename="change_group")
User.objects.get(username="ann").user_permissions.{change}(*rights)
"""


async def test_a_right_that_was_withdrawn_is_gone_on_an_open_socket_too(
    shared_site: Site, visitor: Browser
) -> None:
    shared_site.shell(RIGHTS.format(change="add"))
    ann = Browser(shared_site).log_in("ann")
    async with visitor.page() as page, ann.page() as hers:
        codes = []
        for change in ("add", "remove"):
            shared_site.shell(RIGHTS.format(change=change))
            thread, interrupt = await asked(page)
            answer = {"interrupt": interrupt, "decision": "deny"}
            said = await hers.ask(
                "resolve", thread=thread, tab=hers.tab, answers=[answer]
            )
            codes.append(said.get("code", said["type"]))

    assert codes == ["accepted", "interrupt_not_found"]
