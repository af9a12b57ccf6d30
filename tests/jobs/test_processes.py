"""Jobs and background tools, while the processes around them are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.live import WAIT, Browser, Page, Site, text_of
from tests.test_workers import WEB, Start, at_work, celery, runs

pytestmark = pytest.mark.processes


async def paused(site: Site) -> None:
    """Nobody carries the run; its job may have told something before that, or after."""
    async with asyncio.timeout(WAIT):
        while True:
            if runs(site, "status")[0] == ("requires_action",):
                return
            await asyncio.sleep(0.05)


async def exporting(page: Page, rows: int) -> tuple[dict[str, Any], str]:
    """A job that Celery works on for a tenth of a second a row: what was accepted, and its call."""
    return await working(page, "clerk", f'call export_rows {{"rows": {rows}}}')


async def working(page: Page, assistant: str, text: str) -> tuple[dict[str, Any], str]:
    """A job that Celery works on and tells of again and again: what was accepted, and its call."""
    accepted = await page.ask(
        "send", assistant=assistant, text=text, thread=None, tab=page.tab
    )
    assert accepted["type"] == "accepted", accepted
    await page.frame(type="subscribe", thread=accepted["thread"])
    told = await page.event("tool_call.progressed")
    await paused(page._site)
    return accepted, str(told["toolCallId"])


async def test_a_job_in_celery_outlives_its_run_s_process_and_the_web_process(
    celery_site: Site, processes: list[subprocess.Popen[str]]
) -> None:
    celery_site.stop()
    celery_site.environment["CHATKIT_TEST_RUNNER"] = WEB
    celery_site.start()
    carrier = celery_site.worker()
    processes += [carrier, celery(celery_site)]
    at_work(carrier)
    browser = Browser(celery_site).visit()
    async with browser.page() as page:
        accepted, call = await working(page, "keeper", "call export_held {}")
        carrier.kill()
        celery_site.kill()
    begun = celery_site.rows("SELECT progress FROM chatkit_app_toolcall")
    await asyncio.to_thread(celery_site.start)
    processes.append(celery_site.worker())
    async with browser.page() as page:
        await page.watch(thread := accepted["thread"])
        still = await page.event("tool_call.progressed")
        celery_site.let_go()
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert "Look" in str(begun)
    assert "Look" in still["text"]
    assert said == f'Results: {{"url":"/exports/{call}.csv"}}'
    assert runs(celery_site, "attempt", "takeovers") == [(2, 0)]


async def test_a_cancel_reaches_a_job_in_celery(
    celery_site: Site, processes: list[subprocess.Popen[str]]
) -> None:
    processes.append(celery(celery_site))
    async with Browser(celery_site).visit().page() as page:
        accepted, _ = await exporting(page, rows=600)
        began = time.monotonic()
        await page.ask("cancel", thread=accepted["thread"], run=accepted["run"])
        await page.ended("cancelled")
        log = celery_site.folder / "celery.log"
        while "export_rows" not in log.read_text().rpartition("succeeded")[0]:
            assert time.monotonic() < began + WAIT, log.read_text()[-2000:]
            await asyncio.sleep(0.05)

    assert celery_site.rows("SELECT status FROM chatkit_app_toolcall") == [
        ("cancelled",)
    ]


async def test_a_job_that_celery_has_lost_ends_at_its_deadline(
    celery_site: Site, processes: list[subprocess.Popen[str]]
) -> None:
    worker = celery(celery_site)
    processes.append(worker)
    async with Browser(celery_site).visit().page() as page:
        accepted, _ = await exporting(page, rows=600)
        os.killpg(worker.pid, signal.SIGKILL)
        past = "from django.utils.timezone import now; from chatkit_app.models import ToolCall"
        celery_site.shell(f"{past}; ToolCall.objects.update(deadline_at=now())")
        once = await asyncio.to_thread(celery_site.run, "chatkit_worker", "--once")
        processes.append(celery(celery_site))
        await page.ended("completed")
        said = text_of(await page.snapshot(accepted["thread"]))

    assert once.strip() == "Carried 0 runs."
    assert said == "Results: Error: The job did not end in time."


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM])
async def test_a_background_tool_goes_on_elsewhere_when_its_worker_is_gone(
    site: Site, worker: Start, kill: signal.Signals
) -> None:
    first = worker(CHATKIT_LEASE_SECONDS="2")
    async with Browser(site).visit().page() as page:
        thread = (await page.say('call crunch {"wait": true}'))["thread"]
        await site.noted("begins")
        first.send_signal(kill)
        worker(CHATKIT_LEASE_SECONDS="2")
        await site.noted("begins", times=2)
        site.let_go()
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))
    begun = site.ledger.read_text().count("begins")

    assert said.startswith("Results: crunched")
    assert begun == 2


async def test_a_background_tool_that_must_run_once_does_not(
    site: Site, worker: Start
) -> None:
    first = worker(CHATKIT_LEASE_SECONDS="2")
    async with Browser(site).visit().page() as page:
        thread = (await page.say('call crunch_once {"wait": true}'))["thread"]
        await site.noted("begins")
        await paused(site)
        first.kill()
        worker(CHATKIT_LEASE_SECONDS="2")
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert "whether it took effect is unknown" in said
    assert site.ledger.read_text().count("begins") == 1
