"""The line from a frame to a row and back, on real sockets of a real server."""

from __future__ import annotations

import asyncio
import uuid

import pytest
import websockets

from tests.live import Browser, Page, Site, calls_of, parts_of, positions, text_of


async def test_a_message_is_answered_in_numbered_events(visitor: Browser) -> None:
    async with visitor.page() as page:
        # It is asked something first: so it watches before the answer is there.
        text = "call read_selection\n---\nsay Hello there, friend."
        thread = (await page.say(text))["thread"]
        call = await page.waiting_call(thread)
        await page.reached("requires_action")
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert text_of(snapshot) == "Hello there, friend."
    seen = positions(page.frames, thread)
    assert seen == list(range(seen[0], seen[0] + len(seen)))


async def test_a_server_tool_runs_and_the_model_reads_its_result(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say('call add {"a": 20, "b": 22}')
        await page.ended("completed")
        snapshot = await page.snapshot(accepted["thread"])

    assert text_of(snapshot) == 'Results: {"total":42}'
    assert calls_of(snapshot)[0]["output"] == {"total": 42}
    assert calls_of(snapshot)[0]["state"] == "input-complete"
    assert parts_of(snapshot, "tool-result")[0]["state"] == "complete"


async def test_a_client_tool_suspends_the_run_and_its_output_resumes_it(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("call read_selection")
        thread = accepted["thread"]
        await page.reached("requires_action")
        call = await page.waiting_call(thread)
        assert (await page.claim(thread, call))["type"] == "accepted"
        assert (await page.answer(thread, call, {"text": "fox"}))["type"] == "accepted"
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert text_of(snapshot) == 'Results: {"text":"fox"}'


async def test_server_and_client_tools_of_one_step_are_read_in_the_models_order(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say(
            'call read_selection\ncall slow_report {"steps": 2}\ncall boom\ncall add {"a": "x"}'
        )
        thread = accepted["thread"]
        call = await page.waiting_call(thread, "read_selection")
        await page.claim(thread, call)
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    results = text_of(snapshot).removeprefix("Results: ").split(" | ")
    assert results[:3] == ['{"text":"fox"}', "done", "Error: The tool failed."]
    assert results[3].startswith("Error: The arguments do not fit: a:")
    assert "secret-of-the-server" not in str(page.frames)


async def test_a_slow_tool_streams_its_progress(visitor: Browser) -> None:
    async with visitor.page() as page:
        thread = (await page.say("say Hello."))["thread"]
        await page.ended(
            "completed"
        )  # the thread is watched before there is something to see
        await page.say('call slow_report {"steps": 2, "seconds": 0.3}', thread)
        progressed = await page.event("tool_call.progressed", text="step 2 of 2")
        await page.ended("completed")

    assert progressed["fraction"] == 1.0


async def test_a_reload_in_the_middle_of_an_answer_continues_it(
    visitor: Browser,
) -> None:
    async with visitor.page() as before:
        accepted = await before.say("say One two\npause 2\nsay three four")
        thread = accepted["thread"]
        await before.shows(thread, "One two")
    async with visitor.page() as after:
        reset = await after.watch(thread)
        assert text_of(reset["snapshot"]) == "One two"
        await after.ended("completed")
        assert text_of(await after.snapshot(thread)) == "One twothree four"

    assert positions(after.frames, thread)[0] == reset["position"] + 1


async def test_a_cursor_gets_exactly_the_rest(visitor: Browser) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say One two three")
        thread = accepted["thread"]
        await page.ended("completed")
        epoch = (await visitor_reset(visitor, thread))["epoch"]
        last = (await visitor_reset(visitor, thread))["position"]
        async with visitor.page() as late:
            await late.watch(thread, epoch=epoch, position=2)
            await late.ended("completed")
        async with visitor.page() as wrong:
            other_epoch = await wrong.watch(thread, epoch="another", position=2)
        async with visitor.page() as ahead:
            beyond = await ahead.watch(thread, epoch=epoch, position=last + 1)

    assert positions(late.frames, thread) == list(range(3, last + 1))
    assert other_epoch["type"] == beyond["type"] == "reset"


async def visitor_reset(visitor: Browser, thread: str) -> dict[str, object]:
    async with visitor.page() as page:
        return await page.watch(thread)


async def test_a_reload_with_a_client_tool_open_offers_the_call_again(
    visitor: Browser,
) -> None:
    async with visitor.page() as before:
        accepted = await before.say("call read_selection")
        thread = accepted["thread"]
        await before.reached("requires_action")
        call = await before.waiting_call(thread)
        await before.claim(thread, call)
    async with visitor.page() as after:
        await after.watch(thread)
        assert await after.waiting_call(thread) == call
        await claim_at_last(after, thread, call)
        await after.answer(thread, call, {"text": "fox"})
        await after.ended("completed")


async def claim_at_last(page: Page, thread: str, call: str) -> None:
    """As a page does: again, when the server says that it makes sense."""
    while (refused := await page.claim(thread, call))["type"] == "error":
        assert refused["code"] == "claim_held", refused
        await asyncio.sleep(refused["retryMs"] / 1000)


async def test_two_tabs_show_the_same_and_one_of_them_runs_the_tool(
    visitor: Browser,
) -> None:
    async with visitor.page() as one, visitor.page() as two:
        accepted = await one.say("call read_selection")
        thread = accepted["thread"]
        await two.watch(thread)
        await one.reached("requires_action")
        call = await one.waiting_call(thread)
        refused = await two.claim(thread, call)
        assert (await one.claim(thread, call))["type"] == "accepted"
        claimed = await two.event("tool_call.claimed", toolCallId=call)
        stolen = await two.answer(thread, call, {"text": "stolen"})
        await one.answer(thread, call, {"text": "fox"})
        await one.ended("completed")
        await two.ended("completed")
        assert await one.snapshot(thread) == await two.snapshot(thread)

    assert (refused["code"], stolen["code"]) == ("claim_held", "claim_held")
    assert claimed["tab"] == one.tab


async def test_of_two_answers_at_the_same_instant_one_is_accepted(
    visitor: Browser,
) -> None:
    async with visitor.page() as one, visitor.page() as two:
        for _round in range(10):
            accepted = await one.say("call nobody")
            thread = accepted["thread"]
            call = await one.waiting_call(thread)
            await two.watch(thread)
            answers = await asyncio.gather(
                one.answer(thread, call, {"text": "one"}),
                two.answer(thread, call, {"text": "two"}),
            )
            taken = [answer for answer in answers if answer["type"] == "accepted"]
            assert len(taken) == 1, answers
            assert {a["code"] for a in answers if a not in taken} == {
                "answer_duplicate"
            }
            await one.ended("completed")


async def test_the_same_command_twice_is_done_once(visitor: Browser) -> None:
    async with visitor.page() as page:
        command_id = uuid.uuid4().hex
        first = await page.say("say Hello.", id=command_id)
        again = await page.ask(
            "send", id=command_id, assistant="test", text="say Hello.", tab="t"
        )
        other = await page.ask(
            "send", id=command_id, assistant="test", text="say Bye.", tab="t"
        )
        await page.ended("completed")
        snapshot = await page.snapshot(first["thread"])

    assert again == first
    assert other["code"] == "command_conflict"
    assert len(snapshot["messages"]) == 2


async def test_the_same_answer_twice_is_accepted_twice_and_another_is_a_duplicate(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        command_id = uuid.uuid4().hex
        first = await page.answer(thread, call, {"text": "fox"}, id=command_id)
        again = await page.answer(thread, call, {"text": "fox"}, id=command_id)
        other = await page.answer(thread, call, {"text": "hen"})
        await page.ended("completed")

    assert first == again
    assert other["code"] == "answer_duplicate"


async def test_an_output_that_does_not_fit_is_refused_and_the_call_stays_open(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        refused = await page.answer(thread, call, {"text": 1})
        assert await page.waiting_call(thread) == call
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")

    assert refused["code"] == "answer_invalid"
    assert "text" in refused["message"]


async def test_the_third_output_that_does_not_fit_is_the_tools_error(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        outcomes = [await page.answer(thread, call, {"text": n}) for n in range(3)]
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert [outcome["type"] for outcome in outcomes] == ["error", "error", "accepted"]
    assert text_of(snapshot).startswith(
        "Results: Error: The page's outputs did not fit"
    )


async def test_a_tool_that_throws_in_the_page_reaches_the_model(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        await page.ask(
            "answer",
            thread=thread,
            toolCall=call,
            tab=page.tab,
            error="TypeError: no selection",
        )
        await page.ended("completed")
        snapshot = await page.snapshot(thread)

    assert text_of(snapshot) == "Results: Error: TypeError: no selection"
    assert parts_of(snapshot, "tool-result")[0]["state"] == "error"


async def test_a_call_that_no_page_answers_ends_with_its_deadline(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call impatient"))["thread"]
        call = await page.waiting_call(thread)
        await page.ended("completed")
        late = await page.answer(thread, call, {"text": "fox"})
        snapshot = await page.snapshot(thread)

    assert late["code"] == "answer_late"
    assert text_of(snapshot) == "Results: Error: No page answered in time."


async def test_cancel_keeps_the_text_so_far_and_the_thread_goes_on(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say One two\nstall")
        thread = accepted["thread"]
        await page.shows(thread, "One two")
        await page.ask("cancel", thread=thread, run=accepted["run"])
        again = await page.ask("cancel", thread=thread, run=accepted["run"])
        await page.ended("cancelled")
        snapshot = await page.snapshot(thread)
        await page.say("say Next.", thread)
        await page.ended("completed")

    assert text_of(snapshot) == "One two"
    assert snapshot["messages"][-1]["status"] == "interrupted"
    assert again["type"] == "accepted"


async def test_cancel_while_a_tool_is_open_closes_the_call(visitor: Browser) -> None:
    async with visitor.page() as page:
        accepted = await page.say("call read_selection")
        thread = accepted["thread"]
        call = await page.waiting_call(thread)
        await page.reached("requires_action")
        await page.ask("cancel", thread=thread, run=accepted["run"])
        await page.ended("cancelled")
        late = await page.answer(thread, call, {"text": "fox"})
        await page.say("say Next.", thread)
        await page.ended("completed")

    assert late["code"] == "answer_late"


async def test_a_new_message_while_an_answer_is_written_is_a_conflict(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say One\nstall")
        refused = await page.ask(
            "send", assistant="test", text="say Two", thread=accepted["thread"], tab="t"
        )
        await page.ask("cancel", thread=accepted["thread"], run=accepted["run"])
        await page.ended("cancelled")

    assert refused["code"] == "run_conflict"


async def test_a_new_message_supersedes_a_call_that_nobody_has_answered(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call nobody"))["thread"]
        call = await page.waiting_call(thread)
        await page.reached("requires_action")
        await page.say("say Never mind.", thread)
        await page.ended("cancelled")
        await page.ended("completed")
        snapshot = await page.snapshot(thread)
        late = await page.answer(thread, call, {"text": "fox"})

    assert text_of(snapshot) == "Never mind."
    assert late["code"] == "answer_late"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("say One\nbreak", "provider_unavailable"),
        ("say One\nfail unavailable", "provider_unavailable"),
        ("say One\nfail rate_limited", "provider_rate_limited"),
        ("say One\nfail rejected", "provider_rejected"),
    ],
)
async def test_a_provider_that_fails_fails_the_run_and_the_next_message_works(
    visitor: Browser, script: str, code: str
) -> None:
    async with visitor.page() as page:
        accepted = await page.say(script)
        thread = accepted["thread"]
        run = await page.ended("failed")
        snapshot = await page.snapshot(thread)
        await page.say("say Two.", thread)
        await page.ended("completed")

    assert run["errorCode"] == code
    assert text_of(snapshot) == "One"
    assert snapshot["messages"][-1]["status"] == "interrupted"


async def test_a_failed_answer_can_be_tried_again_in_its_place(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        accepted = await page.say("say One\nbreak")
        thread = accepted["thread"]
        await page.ended("failed")
        before = await page.snapshot(thread)
        retried = await page.ask(
            "retry", thread=thread, run=accepted["run"], tab=page.tab
        )
        await page.ended("failed")
        after = await page.snapshot(thread)
        stale = await page.ask(
            "retry", thread=thread, run=accepted["run"], tab=page.tab
        )

    assert retried["message"] == accepted["message"]
    assert after["messages"][0]["id"] == before["messages"][0]["id"]
    assert after["messages"][1]["id"] != before["messages"][1]["id"]
    assert len(after["messages"]) == 2
    assert stale["code"] == "not_allowed"


async def test_a_model_that_calls_tools_for_ever_is_stopped(visitor: Browser) -> None:
    async with visitor.page() as page:
        await page.say("\n---\n".join(["call refuse"] * 9))
        run = await page.ended("failed")

    assert run["errorCode"] == "step_limit_exceeded"


async def test_another_owners_thread_is_as_good_as_missing_on_every_frame(
    visitor: Browser, ann: Browser
) -> None:
    async with visitor.page() as page, ann.page() as other:
        accepted = await page.say("call nobody")
        thread, run = accepted["thread"], accepted["run"]
        call = await page.waiting_call(thread)
        nowhere = str(uuid.uuid4())
        for frame in (
            {"type": "subscribe", "thread": thread},
            {
                "type": "send",
                "thread": thread,
                "assistant": "test",
                "text": "say Hi",
                "tab": "t",
            },
            {"type": "cancel", "thread": thread, "run": run},
            {"type": "retry", "thread": thread, "run": run, "tab": "t"},
            {"type": "claim", "thread": thread, "toolCall": call, "tab": "t"},
            {"type": "release", "thread": thread, "toolCall": call, "tab": "t"},
            {
                "type": "answer",
                "thread": thread,
                "toolCall": call,
                "tab": "t",
                "output": {},
            },
        ):
            foreign = await _error(other, frame)
            missing = await _error(other, {**frame, "thread": nowhere})
            assert foreign == missing, frame
            assert foreign[0] in ("thread_not_found", "call_not_found"), frame
        assert await page.waiting_call(thread) == call


async def _error(page: Page, frame: dict[str, str]) -> tuple[str, str]:
    if frame["type"] == "subscribe":
        answer = await page.watch(frame["thread"])
    else:
        answer = await page.ask(**frame)
    assert answer["type"] == "error", answer
    return answer["code"], answer["message"]


async def test_a_run_of_ones_own_other_thread_is_not_found_either(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        first = await page.say("call nobody")
        second = await page.say("say Hello.")
        refused = await page.ask("cancel", thread=second["thread"], run=first["run"])

    assert refused["code"] == "thread_not_found"


async def test_an_anonymous_visitor_keeps_the_thread_on_logging_in(
    shared_site: Site,
) -> None:
    browser = Browser(shared_site).visit()
    async with browser.page() as page:
        accepted = await page.say("say Hello.")
        await page.ended("completed")
    browser.log_in("bob")
    async with browser.page() as page:
        hello = await page.next()
        reset = await page.watch(accepted["thread"])
        await page.say("call whoami", accepted["thread"])
        await page.ended("completed")
        snapshot = await page.snapshot(accepted["thread"])

    assert hello["viewer"].startswith("u:")
    assert reset["type"] == "reset"
    assert text_of(snapshot) == f"Results: {hello['viewer']}"


async def test_the_tools_may_depend_on_the_viewer(
    visitor: Browser, ann: Browser
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("call hybrid"))["thread"]
        call = await page.waiting_call(thread)
        await page.answer(thread, call, {"text": "page"})
        await page.ended("completed")
        in_page = await page.snapshot(thread)
    async with ann.page() as page:
        thread = (await page.say("call hybrid"))["thread"]
        await page.ended("completed")
        on_server = await page.snapshot(thread)

    assert text_of(in_page) == 'Results: {"text":"page"}'
    assert text_of(on_server) == 'Results: {"text":"server"}'


async def test_a_socket_without_a_viewer_is_told_so(shared_site: Site) -> None:
    async with Browser(shared_site).page() as page:
        assert await page.closed() == 4401


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", "https://127.0.0.1"]
)
async def test_a_foreign_origin_is_refused_at_the_handshake(
    visitor: Browser, origin: str | None
) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with visitor.page(origin=origin):
            pass

    assert refused.value.response.status_code == 403


HOSTILE = {
    "[": "invalid_command",
    "[]": "invalid_command",
    "nonsense": "invalid_command",
    '{"type": "dance"}': "unknown_type",
    '{"type": "send", "id": "x", "assistant": "test", "text": 1, "tab": "t"}': "invalid_command",
    '{"type": "send", "id": "x", "assistant": "test", "text": "a", "tab": "t", "page": {"n": NaN}}': (
        "invalid_command"
    ),
    r'{"type": "send", "id": "x", "assistant": "test", "text": "\ud800", "tab": "t"}': (
        "invalid_command"
    ),
    r'{"type": "send", "id": "x", "assistant": "test", "text": "a\u0000b", "tab": "t"}': (
        "invalid_command"
    ),
    '{"type": "send", "id": "x", "assistant": "test", "text": "a", "tab": "t", "more": 1}': (
        "invalid_command"
    ),
    '{"type": "send", "id": "x", "assistant": "test", "text": "a", "tab": "t", "page": {"secret": 1}}': (
        "invalid_page"
    ),
    '{"type": "send", "id": "x", "assistant": "test", "text": "a", "tab": "t", "tools":'
    ' [{"name": "zoom", "parameters": {"type": "object"}}]}': "invalid_command",
    '{"type": "subscribe", "thread": "x"}': "invalid_command",
    '{"type": "send", "id": "' + "x" * 70_000 + '"}': "frame_too_large",
    "[" * 60_000: "invalid_command",
}


@pytest.mark.parametrize(("text", "code"), HOSTILE.items(), ids=range(len(HOSTILE)))
async def test_a_frame_that_is_wrong_gets_an_error_and_the_socket_lives(
    visitor: Browser, text: str, code: str
) -> None:
    async with visitor.page() as page:
        await page.send_text(text)
        error = await page.until(lambda frame: frame["type"] == "error")
        await page.say("say Still here.")
        await page.ended("completed")

    assert error["code"] == code


async def test_the_third_bad_frame_closes_the_socket(visitor: Browser) -> None:
    async with visitor.page() as page:
        for _ in range(3):
            await page.send_text("nonsense")
        assert await page.closed() == 4400


async def test_binary_frames_are_refused(visitor: Browser) -> None:
    async with visitor.page() as page:
        await page.send_text(b"\x00\x01")
        error = await page.until(lambda frame: frame["type"] == "error")

    assert error["code"] == "invalid_command"


async def test_a_flood_of_frames_closes_the_socket(visitor: Browser) -> None:
    async with visitor.page() as page:
        for _ in range(200):
            await page.send_text('{"type": "pong"}')
        assert await page.closed() == 4429


@pytest.mark.parametrize(
    "fields",
    [
        {"assistant": "nobody", "text": "Hi"},
        {"assistant": "test", "text": " "},
        {"assistant": "test", "text": "x" * 40_000},
    ],
)
async def test_a_message_that_can_not_be_taken_changes_nothing(
    visitor: Browser, fields: dict[str, str]
) -> None:
    async with visitor.page() as page:
        refused = await page.ask("send", tab="t", **fields)

    assert refused["code"] == "invalid_command"
    assert visitor.get_json("/chatkit/api/threads/")["results"] == []


async def test_text_that_was_whole_before_the_provider_failed_is_kept_whole(
    visitor: Browser,
) -> None:
    async with visitor.page() as page:
        thread = (await page.say("say I begin with many words\nfail unavailable"))[
            "thread"
        ]
        await page.ended("failed")
        snapshot = await page.snapshot(thread)

    assert text_of(snapshot) == "I begin with many words"
    assert parts_of(snapshot, "text")[-1]["state"] == "complete"


async def test_a_socket_of_somebody_who_has_logged_out_is_closed(
    shared_site: Site,
) -> None:
    browser = Browser(shared_site).log_in("bob")
    async with browser.page() as page:
        thread = (await page.say("say Hello."))["thread"]
        await page.ended("completed")
        browser.log_out()
        await page.frame(
            type="send",
            id="after",
            assistant="test",
            text="call whoami",
            thread=thread,
            tab="t",
        )
        assert await page.closed() == 4401


async def test_a_socket_from_before_logging_in_is_closed_to_come_back_as_the_user(
    shared_site: Site,
) -> None:
    browser = Browser(shared_site).visit()
    async with browser.page() as page:
        thread = (await page.say("say Hello."))["thread"]
        await page.ended("completed")
        browser.log_in("bob")
        await page.frame(
            type="send",
            id="later",
            assistant="test",
            text="say Hi",
            thread=thread,
            tab="t",
        )
        assert await page.closed() == 4401
    async with browser.page() as page:
        again = await page.ask(
            "send", id="later", assistant="test", text="say Hi", thread=thread, tab="t"
        )

    assert again["type"] == "accepted"


async def test_a_tool_speaks_the_language_of_the_page(shared_site: Site) -> None:
    browser = Browser(shared_site).visit()
    async with browser.page(language="de") as page:
        thread = (await page.say("call language"))["thread"]
        await page.ended("completed")
        assert text_of(await page.snapshot(thread)) == "Results: de"
