"""One campaign: a stage is set, visitors live on it, faults are injected, and then all must agree."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults import oracle, table
from tests.faults.complaints import AT_REST, Complaints
from tests.faults.injections import Conductor
from tests.faults.scene import Scene
from tests.faults.slow_page import SlowVisitor
from tests.faults.stage import Stage
from tests.faults.tab import Tab
from tests.faults.visitor import Visitor

SETTLE_SECONDS = 75.0
"""After the last fault: the lease, and the longest plan with its pages' deadlines."""
SHOWN = 40
"""Violations that are printed; all of them are in the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for on the command line."""

    is_postgres: bool
    seed: int
    seconds: float
    kills: int
    visitors: int
    lease: float
    is_quick: bool
    inject: str


class Campaign:
    """``run`` returns whether all promises were kept."""

    def __init__(self, order: Order, *, is_kept: bool = False) -> None:
        self.order = order
        self._is_kept = is_kept
        self.title = (
            f"PostgreSQL + Redis, seed {order.seed}"
            if order.is_postgres
            else f"SQLite, one process, seed {order.seed}"
        )
        kind = "postgres" if order.is_postgres else "sqlite"
        self.folder = Path(tempfile.mkdtemp(prefix=f"chatkit-faults-{kind}-"))
        self.stage = Stage(
            self.folder,
            is_postgres=order.is_postgres,
            lease=order.lease,
            is_quick=order.is_quick,
        )
        self.scene = Scene(self.stage, Complaints(), Random(order.seed))  # noqa: S311 (chance, no secret)

    async def run(self) -> bool:
        """Set the stage, play, compare, tell."""
        print(f"\n== {self.title}; logs and ledgers: {self.folder}", flush=True)
        try:
            await self.stage.start()
            conductor = Conductor(self.scene, self.order.inject)
            await self._play(conductor)
            return self._tell(conductor)
        finally:
            self.stage.stop()

    async def _play(self, conductor: Conductor) -> None:
        visitors = [Visitor(self.scene) for _ in range(self.order.visitors)]
        tasks = [asyncio.create_task(v.live(visitors)) for v in visitors]
        telling = asyncio.gather(self._progress(conductor), self._listen())
        try:
            await conductor.conduct(self.order.seconds, self.order.kills)
            self.scene.is_over = True
            self.scene.complaints.fault = AT_REST
            if not self.order.is_quick:
                slow = SlowVisitor(self.scene)
                visitors.append(slow)
                tasks.append(asyncio.create_task(slow.live_slowly()))
            await self._settle(visitors, tasks)
            await self._look_again(visitors)
        finally:
            telling.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, telling, return_exceptions=True)
        self.scene.read_ledgers()
        self._compare()

    async def _settle(
        self, visitors: list[Visitor], tasks: list[asyncio.Task[None]]
    ) -> None:
        """No more faults: every run must end, and every page must get there."""
        _, pending = await asyncio.wait(tasks, timeout=SETTLE_SECONDS)
        for visitor, task in zip(visitors, tasks, strict=True):
            if task in pending:
                text = f"a visitor still {visitor.doing} after {SETTLE_SECONDS:.0f} s"
                self.scene.complaints.add("lost runs", text)
            elif not task.cancelled() and (error := task.exception()):
                self.scene.complaints.add("harness", f"{visitor.doing}: {error!r}")

    async def _look_again(self, visitors: list[Visitor]) -> None:
        """Threads that were compared long ago still are as they were."""
        for visitor in visitors:
            for record in visitor.records:
                if record.final is None:
                    continue
                tab = Tab(
                    visitor, self.scene.complaints, self.scene.random, record=record
                )
                try:
                    async with asyncio.timeout(30):
                        await tab.is_told.wait()
                    if tab.position != record.final_position:
                        text = f"{tab.position} after {record.final_position}"
                        record.complain("after the end", text)
                    elif tab.fold and tab.fold.copy() != record.final:
                        record.complain("agreement", "another snapshot than before")
                except TimeoutError:
                    record.complain("agreement", "no snapshot at the end")
                finally:
                    await tab.close()

    def _compare(self) -> None:
        ledgers = oracle.Ledgers.of(
            self.stage.model_ledger.facts(), self.stage.tool_ledger.facts()
        )
        ledgers.deaths, ledgers.refusals = self.scene.deaths, self.scene.refusals
        for record in self.scene.records:
            self.scene.complaints.fault = self.scene.last_fault(record)
            oracle.check(record, ledgers)

    async def _listen(self) -> None:
        """Hear of the model's faults while they are fresh."""
        while True:
            await asyncio.sleep(0.05)
            self.scene.read_ledgers()

    async def _progress(self, conductor: Conductor) -> None:
        begun = time.monotonic()
        while True:
            await asyncio.sleep(10)
            runs = sum(len(record.runs) for record in self.scene.records)
            print(
                f"   {time.monotonic() - begun:4.0f} s: {conductor.kills} kills, "
                f"{runs} runs, {len(self.scene.complaints.found)} violations",
                flush=True,
            )

    def _tell(self, conductor: Conductor) -> bool:
        complaints = self.scene.complaints
        if conductor.kills < self.order.kills:
            text = f"{conductor.kills} kills, {self.order.kills} were promised"
            complaints.add("harness", text)
        print(
            table.show(self.title, self.scene, [i.name for i in conductor.injections])
        )
        print(f"\n{self._sums()}\n{table.remarks(complaints)}")
        everything = "\n".join(map(str, complaints.found))
        (self.folder / "violations.txt").write_text(everything + "\n")
        for violation in complaints.found[:SHOWN]:
            print(violation)
        self._write_threads()
        if complaints.found:
            print(f"\n{len(complaints.found)} violations; kept: {self.folder}")
            return False
        if not self._is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)
        print(f"\n{conductor.kills} kills, 0 violations")
        return True

    def _write_threads(self) -> None:
        """All that pages were told of the threads with which something is wrong."""
        wrong = {one.context.get("thread") for one in self.scene.complaints.found}
        for record in self.scene.records:
            if record.thread in wrong:
                lines = [json.dumps([p, e]) for p, e in sorted(record.events.items())]
                path = self.folder / f"thread-{record.thread}.jsonl"
                path.write_text("\n".join(lines) + "\n")

    def _sums(self) -> str:
        runs = [seen for record in self.scene.records for seen in record.runs.values()]
        ends = Counter(
            f"{seen.status} ({seen.code})" if seen.code else seen.status
            for seen in runs
        )
        events = sum(len(record.events) for record in self.scene.records)
        told = ", ".join(f"{count} {end}" for end, count in ends.most_common())
        return f"{len(runs)} runs: {told}; {events} events\n{self._people()}"

    def _people(self) -> str:
        """What people have said, as it is shown."""
        approvals = [
            approval["decision"] or "not answered"
            for record in self.scene.records
            for approval in record.approvals.values()
        ]
        told = ", ".join(f"{n} {said}" for said, n in Counter(approvals).most_common())
        questions = [
            interrupt
            for record in self.scene.records
            for asked in record.questions.values()
            for interrupt in asked.values()
        ]
        return f"{len(approvals)} approvals: {told}; {len(questions)} questions"
