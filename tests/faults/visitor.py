"""A visitor: threads one after the other, each in one to five pages that are not treated well."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Coroutine
from http.cookies import SimpleCookie
from typing import Any

from tests.faults.fold import Json, difference, messages_of
from tests.faults.mischief import Mischief
from tests.faults.page_tools import PageTools
from tests.faults.people import People
from tests.faults.plan import Plan
from tests.faults.record import Prompt, Record
from tests.faults.scene import Scene
from tests.faults.tab import Tab

RUN_SECONDS = 120.0
"""A run that nobody ends for so long is lost, whatever was done to its processes."""
CALM_SECONDS = 60.0
"""How long the pages of a thread may take to agree once its run has ended."""


class Visitor:
    """One cookie. ``live`` until the scene is over."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.random = scene, scene.random
        self.cookie = ""
        self.doing = "enters"
        self.records: list[Record] = []
        self.tools, self.people = PageTools(scene), People(scene)
        self.mischief = Mischief(scene, scene.random)
        self._tabs: list[Tab] = []

    def port(self) -> int:
        """A web process by chance, as a balancer would choose; one that lives, if there is one."""
        webs = self.scene.stage.webs
        alive = [web for web in webs if web.is_alive] or webs
        return self.random.choice(alive).port

    async def live(self, others: list[Visitor]) -> None:
        """Thread after thread."""
        await self._patiently(self._enter)
        while not self.scene.is_over:
            foreign = [r for v in others if v is not self for r in v.records]
            await self._thread(foreign)
        self.doing = "has left"

    async def _enter(self) -> None:
        headers = {"Content-Type": "application/json"}
        answer = await asyncio.to_thread(
            self._open, "/chatkit/visitor/", b"{}", headers
        )
        cookies = SimpleCookie()
        for line in answer.headers.get_all("Set-Cookie") or []:
            cookies.load(line)
        self.cookie = "; ".join(f"{c.key}={c.value}" for c in cookies.values())

    def _open(self, path: str, data: bytes | None, headers: dict[str, str]) -> Any:
        port = self.port()
        url = f"http://127.0.0.1:{port}"
        sent = {**headers, "Cookie": self.cookie, "Origin": url}
        request = urllib.request.Request(url + path, data=data, headers=sent)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            answer.text = answer.read().decode()
            return answer

    async def _patiently(self, ask: Any, *words: Any) -> Any:
        """Over HTTP, again and again while the site is away."""
        until = time.monotonic() + CALM_SECONDS
        while True:
            try:
                return await ask(*words)
            except OSError as error:
                if time.monotonic() > until:
                    raise AssertionError(f"the site is away: {error}") from error
            await asyncio.sleep(0.2)

    async def _thread(self, foreign: list[Record]) -> None:
        try:
            record = await self._begin()
            if record is None:
                return
            await self._open_pages(record)
            restless = asyncio.create_task(self._restless(foreign))
            try:
                for _ in range(self.random.choice((1, 2, 3, 4))):
                    await self._await_end(record)
                    if self.scene.is_over:
                        break
                    await self._turn(record)
                await self._await_end(record)
            finally:
                restless.cancel()
                await self._end_of(restless)
            self.doing = f"compares {record.thread}"
            await self.compare(record)
        finally:
            await self.tools.leave()
            await self.people.leave()
            await asyncio.gather(*(tab.close() for tab in self._tabs))
            self._tabs.clear()

    async def _end_of(self, restless: asyncio.Task[None]) -> None:
        (error,) = await asyncio.gather(restless, return_exceptions=True)
        if isinstance(error, TimeoutError):
            self.scene.complaints.add("agreement", "a page was told nothing for long")
        elif isinstance(error, Exception):
            self.scene.complaints.add("harness", f"a restless visitor: {error!r}")

    def _new_tab(self, record: Record | None) -> Tab:
        tab = Tab(
            self,
            self.scene.complaints,
            self.random,
            record=record,
            is_small=self.random.random() < 0.3,
            on_change=self._look,
        )
        self._tabs.append(tab)
        return tab

    def _look(self, tab: Tab) -> None:
        """Something has happened in a page."""
        self.tools.look(tab)
        self.people.look(tab)

    async def _begin(self) -> Record | None:
        """The first message makes the thread."""
        self.doing = "begins a thread"
        tab = self._new_tab(None)
        plan = self._first_plan()
        outcome = await self._send(tab, plan, thread=None)
        if outcome["type"] != "accepted":
            self.scene.complaints.add("commands", f"a first message: {outcome}")
            return None
        record = Record(outcome["thread"], self.scene.complaints, self.scene.arrived)
        self.records.append(record)
        self.scene.records.append(record)
        tab.watch(record)
        self._accepted(record, plan, outcome)
        return record

    def _first_plan(self) -> Plan:
        return self.scene.new_plan()

    def _cancels(self) -> bool:
        """Is this run one that is to be cancelled?"""
        return self.random.random() < 0.2

    async def _open_pages(self, record: Record) -> None:
        count = self.random.choice((1, 2, 2, 3, 5))
        if count == 5:
            self.scene.inject("client: five tabs")
        while len(self._tabs) < count:
            self._new_tab(record)

    async def _send(self, tab: Tab, plan: Plan, *, thread: str | None) -> Json:
        return await tab.ask(
            "send",
            twice=True,
            thread=thread,
            assistant="faults",
            text=plan.text,
            tab=tab.name,
        )

    def _accepted(self, record: Record, plan: Plan, outcome: Json) -> Prompt:
        prompt = Prompt(
            plan=plan,
            message=outcome["message"],
            runs=[outcome["run"]],
            accepted_at=time.time(),
        )
        record.prompts.append(prompt)
        record.used_ids.append(outcome["id"])
        self.scene.threads_of[plan.key] = record.thread
        return prompt

    async def _turn(self, record: Record) -> None:
        """One message, or two at the same instant; or a failed answer tried again."""
        last = record.prompts[-1]
        seen = record.runs.get(last.runs[-1])
        if seen and seen.status != "completed" and len(last.runs) < 2:
            await self._retry(record, last)
            return
        count = 2 if self.random.random() < 0.25 else 1
        if count == 2:
            self.scene.inject("sends: two at a barrier")
        plans = [self.scene.new_plan() for _ in range(count)]
        tabs = self.random.choices(self._tabs, k=count)
        outcomes = await asyncio.gather(
            *(
                self._send(tab, plan, thread=record.thread)
                for tab, plan in zip(tabs, plans, strict=True)
            )
        )
        for plan, outcome in zip(plans, outcomes, strict=True):
            if outcome["type"] == "accepted":
                prompt = self._accepted(record, plan, outcome)
                prompt.may_be_cancelled = count == 2
            elif outcome["type"] == "error" and outcome["code"] != "run_conflict":
                record.complain("commands", f"a message was answered with {outcome}")
        record.prompts.sort(key=lambda one: one.message)

    async def _retry(self, record: Record, prompt: Prompt) -> None:
        tab = self.random.choice(self._tabs)
        outcome = await tab.ask(
            "retry",
            twice=True,
            thread=record.thread,
            run=prompt.runs[-1],
            tab=tab.name,
        )
        if outcome["type"] == "accepted":
            prompt.runs.append(outcome["run"])
        elif outcome["type"] == "error":
            record.complain("commands", f"a retry was answered with {outcome}")

    async def _await_end(self, record: Record) -> None:
        """Until all runs of the thread that were accepted have ended in somebody's eyes."""
        runs = [run for prompt in record.prompts for run in prompt.runs]
        self.doing = f"waits for {record.thread} {runs[-1]}"
        until = time.monotonic() + RUN_SECONDS
        cancel_at = None
        if self._cancels():
            cancel_at = time.monotonic() + self.random.uniform(0, 3)
        while not all(record.is_ended(run) for run in runs):
            if time.monotonic() > until:
                open_runs = [run for run in runs if not record.is_ended(run)]
                record.complain("lost runs", f"no end of {open_runs}")
                return
            if cancel_at is not None and time.monotonic() > cancel_at:
                cancel_at = None
                await self._cancel(record, runs[-1])
            if self._supersedes(record):
                runs += await self._supersede(record)
            await asyncio.sleep(0.05)

    def _supersedes(self, record: Record) -> bool:
        """Is it now that the visitor, asked something, says something else instead?"""
        run = record.active_run
        is_asked = run is not None and record.runs[run].status == "requires_action"
        return is_asked and not self.scene.is_over and self.random.random() < 0.01

    async def _supersede(self, record: Record) -> list[str]:
        """Say something else; the run that it starts, if it comes in time."""
        for prompt in record.prompts:
            prompt.may_be_cancelled |= record.active_run in prompt.runs
        self.scene.inject("a new message instead of an answer")
        plan, tab = self.scene.new_plan(), self.random.choice(self._tabs)
        outcome = await self._send(tab, plan, thread=record.thread)
        if outcome["type"] == "accepted":
            prompt = self._accepted(record, plan, outcome)
            record.prompts.sort(key=lambda one: one.message)
            return list(prompt.runs)
        if outcome["type"] == "error" and outcome["code"] != "run_conflict":
            record.complain("commands", f"a message was answered with {outcome}")
        return []

    async def _cancel(self, record: Record, run: str) -> None:
        """Twice: from two pages, or the same command again."""
        for prompt in record.prompts:
            prompt.may_be_cancelled |= run in prompt.runs
        self.scene.inject("cancel")
        tabs = self.random.choices(self._tabs, k=2)
        outcomes = await asyncio.gather(
            *(
                tab.ask("cancel", twice=True, thread=record.thread, run=run)
                for tab in tabs
            )
        )
        for outcome in outcomes:
            if outcome["type"] == "error":
                record.complain("commands", f"a cancel was answered with {outcome}")

    async def _restless(self, foreign: list[Record]) -> None:
        """What happens to pages: lines that are lost, reloads, pages that hang."""
        doing: list[tuple[int, Any]] = [
            (6, self._lose_line),
            (3, self._reload),
            (2, self._stop_reading),
            (4, lambda: self._misbehave(foreign)),
        ]
        weights = [weight for weight, _ in doing]
        while True:
            await asyncio.sleep(self.random.uniform(0.3, 2.5))
            found: Coroutine[Any, Any, None] = self.random.choices(doing, weights)[0][
                1
            ]()
            await found

    async def _lose_line(self) -> None:
        tab = self.random.choice(self._tabs)
        fault = "client: connection reset"
        self.scene.inject(fault)
        begun = time.monotonic()
        tab.is_told.clear()
        tab.reset()
        await asyncio.wait_for(tab.is_told.wait(), CALM_SECONDS)
        self.scene.recoveries[fault].append(time.monotonic() - begun)

    async def _reload(self) -> None:
        """The page begins anew: no cursor, another name, what it had to say is forgotten."""
        fault = "client: reload"
        place = self.random.randrange(len(self._tabs))
        tab = self._tabs[place]
        if tab.is_busy:
            return  # it has something to say first, for which we wait
        self.scene.inject(fault)
        begun = time.monotonic()
        await tab.close()
        self._tabs.remove(tab)
        fresh = self._new_tab(tab.record)
        await asyncio.wait_for(fresh.is_told.wait(), CALM_SECONDS)
        self.scene.recoveries[fault].append(time.monotonic() - begun)

    async def _stop_reading(self) -> None:
        tab, *others = self.random.sample(self._tabs, len(self._tabs))
        if not any(other.is_reading.is_set() for other in others):
            return  # somebody has to see when the thread goes on
        self.scene.inject("client: does not read")
        tab.is_reading.clear()
        await asyncio.sleep(self.random.choice((2.0, 4.0, 8.0)))
        tab.is_reading.set()

    async def _misbehave(self, foreign: list[Record]) -> None:
        await self.mischief.do_something(self.random.choice(self._tabs), foreign)

    # -- does everybody see the same? ---------------------------------------------

    async def compare(self, record: Record) -> None:
        """All pages, a fresh one and the history API agree with each other, byte by byte."""
        for tab in self._tabs:
            tab.is_reading.set()
        fresh = self._new_tab(record)
        until = time.monotonic() + CALM_SECONDS
        while time.monotonic() < until:
            last = max([0, *record.events, *(p for p, _ in record.snapshots)])
            if all(tab.fold and tab.position == last for tab in self._tabs):
                break
            await asyncio.sleep(0.05)
        else:
            places = {tab.name[:8]: tab.position for tab in self._tabs}
            record.complain("agreement", f"the pages stand at {places}")
        assert fresh.fold is not None, "a fresh page was given nothing"
        final = fresh.fold.copy()
        record.final, record.final_position = final, fresh.position
        self._compare_pages(record, final)
        await self._compare_history(record, final)

    def _compare_pages(self, record: Record, final: Json) -> None:
        for tab in self._tabs:
            if tab.fold and tab.position == record.final_position:
                found = difference(tab.fold.copy(), final)
                if found:
                    text = f"page {tab.name[:8]} and a fresh one: {found}"
                    record.complain("agreement", text, position=tab.position)
        fold = record.replay()
        if fold and (found := difference(fold.copy(), final)):
            record.complain("agreement", f"all events and a fresh page: {found}")

    async def _compare_history(self, record: Record, final: Json) -> None:
        path = f"/chatkit/api/threads/{record.thread}/messages/?limit=100"
        answer = await self._patiently(asyncio.to_thread, self._open, path, None, {})
        told = {
            "messages": messages_of(json.loads(answer.text)["results"]),
            "run": None,
        }
        if found := difference({**final, "run": None}, told):
            record.complain("agreement", f"a fresh page and the history API: {found}")
