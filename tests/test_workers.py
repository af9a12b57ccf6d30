"""Runs that other processes execute: the app's own workers, or a queue of the site's."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import pytest

from chatkit_app.runs.draining import TOGETHER_SECONDS
from tests.live import ROOT, Browser, Page, Site, text_of

WEB = "chatkit_app.runs.worker_runner.WorkerRunner"
GONE = 2.0  # seconds until a process that is told to end is no more
LONG = "0.05"  # seconds a word
WORDS = " ".join(
    f"w{n}" for n in range(600)
)  # half a minute: long enough to start another
SHARED = pytest.mark.skipif(
    not os.environ.get("REDIS_URL"), reason="a bell that reaches other processes"
)

pytestmark = pytest.mark.processes

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def site(migrated: Site) -> Iterator[Site]:
    """A web process that executes nothing itself."""
    site = Site(
        CHATKIT_TEST_RUNNER=WEB, CHATKIT_LEASE_SECONDS="30", CHATKIT_TEST_DELAY="0"
    )
    try:
        yield site.make(migrated)
    finally:
        site.close()


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    made: list[subprocess.Popen[str]] = []
    try:
        yield made
    finally:
        for process in made:
            process.kill()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def worker(site: Site, processes: list[subprocess.Popen[str]]) -> Start:
    """Starts a worker, and waits until it works."""

    def start(*options: str, **environment: str) -> subprocess.Popen[str]:
        processes.append(site.worker(*options, **environment))
        return at_work(processes[-1])

    return start


def at_work(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """The worker, once it works; the checks may have something to say first."""
    assert process.stdout is not None
    assert any("runs at once" in line for line in iter(process.stdout.readline, ""))
    return process


def runs(site: Site, *columns: str) -> list[tuple[object, ...]]:
    """The runs, the newest first."""
    names = ", ".join(columns)
    return site.rows(f"SELECT {names} FROM chatkit_app_run ORDER BY created_at DESC")  # noqa: S608 (own names)


async def in_the_middle(page: Page, words: str = WORDS) -> str:
    """An answer that has begun and will go on for a while: its thread."""
    thread: str = (await page.say(f"say {words}"))["thread"]
    for _ in range(5):
        await page.event("part.delta")
    return thread


def ended(process: subprocess.Popen[str], seconds: float = GONE) -> tuple[int, str]:
    """Exit code and what it has said."""
    said, _ = process.communicate(timeout=seconds)
    return process.returncode, said


async def test_a_web_process_executes_nothing_and_a_worker_finds_it(
    site: Site, worker: Start
) -> None:
    async with Browser(site).visit().page() as page:
        thread = (await page.say("say Hello."))["thread"]
        waiting = runs(site, "status", "attempt")
        worker()
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert waiting == [("queued", 0)]
    assert said == "Hello."


async def test_a_worker_hears_or_looks_often_enough_that_nobody_waits_long(
    site: Site, worker: Start
) -> None:
    worker()
    took = []
    async with Browser(site).visit().page() as page:
        thread = (await page.say("say One."))["thread"]
        await page.ended("completed")
        for _ in range(5):
            page._seen = len(page.frames)
            began = time.monotonic()
            await page.say("say Two.", thread)
            await page.event("part.delta")
            took.append(time.monotonic() - began)
            await page.ended("completed")  # no other answer is begun before it

    # Without a shared layer: a look of the worker's (0.25 s), and one of the web process's (1 s).
    assert sorted(took)[2] < (0.25 if os.environ.get("REDIS_URL") else 1.6)


async def test_a_client_tool_and_a_cancel_work_through_a_worker(
    site: Site, worker: Start
) -> None:
    worker(CHATKIT_TEST_DELAY=LONG)
    async with Browser(site).visit().page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        await page.claim(thread, call)
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))
        page._seen = len(page.frames)
        run = (await page.say(f"say {WORDS}", thread))["run"]
        await page.event("part.delta")
        began = time.monotonic()
        await page.ask("cancel", thread=thread, run=run)
        await page.ended("cancelled")
        took = time.monotonic() - began

    assert said == 'Results: {"text":"fox"}'
    assert took < 2


@SHARED
async def test_a_cancel_reaches_a_silent_worker_by_the_bell(
    site: Site, worker: Start
) -> None:
    worker()  # its heartbeat is ten seconds here
    async with Browser(site).visit().page() as page:
        accepted = await page.say("say Well\nstall")
        await page.event("part.delta")
        began = time.monotonic()
        await page.ask("cancel", thread=accepted["thread"], run=accepted["run"])
        await page.ended("cancelled")

    assert time.monotonic() - began < 1


async def test_a_worker_that_is_told_to_end_hands_its_run_over(
    site: Site, worker: Start
) -> None:
    first = worker(CHATKIT_TEST_DELAY=LONG)
    async with Browser(site).visit().page() as page:
        thread = await in_the_middle(page)
        second = worker()
        first.send_signal(signal.SIGTERM)
        code, told = await asyncio.to_thread(ended, first)
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert code == 0
    assert "SIGTERM, handing over" in told
    assert said == WORDS
    assert runs(site, "takeovers", "attempt") == [(0, 2)]
    assert second.poll() is None


async def test_a_worker_with_grace_lets_its_runs_end_and_takes_no_other(
    site: Site, worker: Start
) -> None:
    patient = worker("--grace", "30", CHATKIT_TEST_DELAY=LONG)
    async with Browser(site).visit().page() as page:
        await in_the_middle(page, " ".join(WORDS.split()[:40]))
        patient.send_signal(signal.SIGTERM)
        assert patient.stdout is not None
        assert "handing over" in await asyncio.to_thread(patient.stdout.readline)
        await page.say("say Late.")
        await page.event("run.changed", status="completed")
        code, _ = await asyncio.to_thread(ended, patient)

    assert code == 0
    assert runs(site, "status", "attempt") == [("queued", 0), ("completed", 1)]


async def test_a_worker_whose_tool_does_not_return_ends_all_the_same(
    site: Site, worker: Start
) -> None:
    stuck = worker()
    async with Browser(site).visit().page() as page:
        await page.say('call book {"seconds": 20}')
        await page.call_reached("running")
        stuck.send_signal(signal.SIGINT)
        code, _ = await asyncio.to_thread(ended, stuck)

    assert code == 0
    assert runs(site, "status", "owner") == [("in_progress", None)]


async def test_a_second_signal_ends_a_worker_at_once(site: Site, worker: Start) -> None:
    patient = worker("--grace", "60")
    async with Browser(site).visit().page() as page:
        await page.say('call book {"seconds": 20}')
        await page.call_reached("running")
        patient.send_signal(signal.SIGTERM)
        assert patient.stdout is not None
        assert "handing over" in await asyncio.to_thread(patient.stdout.readline)
        patient.send_signal(signal.SIGTERM)  # an echo
        await asyncio.sleep(TOGETHER_SECONDS + 0.1)
        assert patient.poll() is None
        patient.send_signal(signal.SIGTERM)
        code, _ = await asyncio.to_thread(ended, patient, 0.5)

    assert code == -signal.SIGTERM


async def test_a_worker_that_is_killed_is_followed_by_another_when_its_lease_is_over(
    site: Site, worker: Start
) -> None:
    lease = 2.0
    first = worker(CHATKIT_TEST_DELAY=LONG, CHATKIT_LEASE_SECONDS=str(lease))
    async with Browser(site).visit().page() as page:
        thread = await in_the_middle(page)
        worker(CHATKIT_LEASE_SECONDS=str(lease))
        first.kill()
        killed = time.monotonic()
        await page.event("step.started", attempt=2)
        took = time.monotonic() - killed
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))

    assert said == WORDS
    assert (
        took < lease + 1 + 1
    )  # the page's own process looks once a second without a bell
    assert runs(site, "status", "attempt") == [("completed", 2)]


async def test_once_does_what_is_due_and_ends(site: Site) -> None:
    async with Browser(site).visit().page() as page:
        await page.say("call impatient")
        await page.reached("queued")
    site.kill()  # it would look after the deadline as well, and who comes first is chance
    await asyncio.sleep(1.1)  # a run is left to others for a second
    first = await asyncio.to_thread(site.run, "chatkit_worker", "--once")
    await asyncio.sleep(1.1)  # the call's deadline
    second = await asyncio.to_thread(site.run, "chatkit_worker", "--once")
    await asyncio.sleep(1.1)
    third = await asyncio.to_thread(site.run, "chatkit_worker", "--once")

    assert first.strip() == "Carried 1 runs."
    assert second.strip() == "Carried 0 runs."  # it is queued now, and left to others
    assert third.strip() == "Carried 1 runs."
    assert runs(site, "status") == [("completed",)]


@pytest.fixture
def celery_site(migrated: Site) -> Iterator[Site]:
    """The example of docs/workers.md: a web process that gives its runs to Celery."""
    site = Site(
        DJANGO_SETTINGS_MODULE="tests.celery_site.settings",
        CHATKIT_LEASE_SECONDS="2",
        CHATKIT_TEST_DELAY=LONG,
        CHATKIT_TEST_QUEUE=uuid.uuid4().hex,
    )
    site.environment["CHATKIT_TEST_BROKER"] = str(site.folder / "broker")
    (site.folder / "broker" / "control").mkdir(parents=True)
    try:
        yield site.make(migrated)
    finally:
        site.close()


def celery(site: Site) -> subprocess.Popen[str]:
    """A worker of Celery's, in a group of its own: it forks."""
    log = (site.folder / "celery.log").open("ab")
    with log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "tests.celery_site.queue"),
                *("worker", "--loglevel", "INFO", "--concurrency", "2"),
            ],
            env=site.environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )


async def test_celery_carries_runs_as_the_page_on_workers_shows(
    celery_site: Site, processes: list[subprocess.Popen[str]]
) -> None:
    worker = celery(celery_site)
    processes.append(worker)
    async with Browser(celery_site).visit().page() as page:
        thread = (await page.say("call read_selection"))["thread"]
        call = await page.waiting_call(thread)
        await page.claim(thread, call)
        await page.answer(thread, call, {"text": "fox"})
        await page.ended("completed")
        said = text_of(await page.snapshot(thread))
        page._seen = len(page.frames)
        words = " ".join(WORDS.split()[:40])
        await page.say(f"say {words}", thread)
        await page.event("part.delta")
        os.killpg(worker.pid, signal.SIGKILL)
        await asyncio.sleep(2.1)  # its lease: cron comes by later than that
        once = await asyncio.to_thread(celery_site.run, "chatkit_worker", "--once")
        await page.ended("completed")
        after = text_of(await page.snapshot(thread))

    assert said == 'Results: {"text":"fox"}'
    assert once.strip() == "Carried 1 runs."
    assert after == words


@pytest.mark.parametrize("name", ["queue", "chat"])
def test_the_page_on_workers_shows_the_example_that_is_tested(name: str) -> None:
    example = ROOT / "tests" / "celery_site" / f"{name}.py"
    page = (ROOT / "docs" / "workers.md").read_text()

    shown = f"<!-- tests/celery_site/{name}.py -->\n```python\n{example.read_text()}```"
    assert shown in page
