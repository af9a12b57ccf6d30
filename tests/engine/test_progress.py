"""What running tools report."""

from __future__ import annotations

import asyncio
from uuid import UUID

from chatkit_app.engine.progress import Progress
from tests.engine.drive import SOON


async def test_what_was_taken_is_not_new_any_more() -> None:
    progress = Progress()
    progress.reporter(UUID(int=1))("a", None)
    async with asyncio.timeout(SOON):
        await progress.wait()

    assert [event.text for event in progress.take()] == ["a"]
    assert progress.take() == []


async def test_what_an_ended_call_still_reports_is_not_heard() -> None:
    progress = Progress()
    late, other = (progress.reporter(UUID(int=n)) for n in (1, 2))
    late("before", None)
    await asyncio.sleep(0)
    progress.end(UUID(int=1))
    late("after", None)
    other("going on", None)
    async with asyncio.timeout(SOON):
        await progress.wait()

    assert [event.text for event in progress.take()] == ["going on"]
