"""What is done to the site: each injection waits for its moment, acts, and says whose thread it hit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.processes import Process, Web
from tests.faults.record import Record
from tests.faults.scene import Scene

MOMENT_SECONDS = 4.0
"""How long an injection waits for its moment, before another one is tried."""
LONGEST = 3.0
"""Times the seconds that were asked for: a busy machine kills slowly, too."""
EARLY = 0.85
"""At this share of the time all kills should be done."""
LOOK_SECONDS = 0.02
RECOVER_SECONDS = 5.0
"""Beyond the lease: how long an injection waits for what the one before has hurt."""
LOCKED_SECONDS = 5.0
REDIS_AWAY_SECONDS = 2.5
QUIET_EXIT_SECONDS = 5.0
"""A process that was asked to end and has not after this has no manners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """``act`` returns whether its moment came; ``weight`` is how often it is drawn."""

    name: str
    act: Callable[[Conductor], Awaitable[bool]]
    weight: int
    is_kill: bool = False
    needs: str = ""


class Conductor:
    """Injects one after the other; a killed process is started again at once."""

    def __init__(self, scene: Scene, only: str = "") -> None:
        self.scene, self.stage, self.random = scene, scene.stage, scene.random
        kind = "postgres" if self.stage.is_postgres else "sqlite"
        self.injections = [
            one
            for one in INJECTIONS
            if one.needs in ("", kind) and only.lower() in one.name.lower()
        ]
        self.kills = 0
        self._deck: list[Injection] = []

    async def conduct(self, seconds: float, kills: int) -> None:
        """For so long, and as much longer as so many kills take (``LONGEST`` times at most)."""
        begun = time.monotonic()
        while True:
            lasted = time.monotonic() - begun
            if lasted > seconds and (self.kills >= kills or lasted > LONGEST * seconds):
                break
            is_late = self.kills < kills * min(1.0, lasted / (EARLY * seconds))
            await self._inject(is_late=is_late)
            if is_late:
                await asyncio.sleep(self.random.uniform(0.2, 0.8))
                continue
            if self.random.random() < 0.6:
                await self._let_recover()
            await asyncio.sleep(self.random.uniform(0.4, 2.0))

    async def _inject(self, *, is_late: bool) -> None:
        chosen = self._draw(is_late=is_late)
        before = self.scene.injected[chosen.name]
        if await chosen.act(self):
            if before == self.scene.injected[chosen.name]:
                self.scene.inject(chosen.name)
            self.kills += chosen.is_kill
        else:
            self._deck.append(chosen)  # its moment may come later
        for process in self.stage.processes:
            if not process.is_alive:
                process.start()
        if not self.stage.is_postgres:
            # one process: there is nothing to hurt before it is back
            await self.stage.webs[0].awake()

    async def _let_recover(self) -> None:
        """Often a fault comes while the last one still hurts, and often it does not."""
        until = time.monotonic() + self.stage.lease + RECOVER_SECONDS
        while self.scene.is_recovering and time.monotonic() < until:  # noqa: ASYNC110 (or until late)
            await asyncio.sleep(LOOK_SECONDS)

    def _draw(self, *, is_late: bool) -> Injection:
        """Each in turn, in an order by chance; kills first where they are behind."""
        if not self._deck:
            self._deck = [i for i in self.injections for _ in range(i.weight)]
            self.random.shuffle(self._deck)
            self._deck.sort(key=lambda one: one.is_kill)  # kills have their own clock
        kills = [n for n, one in enumerate(self._deck) if one.is_kill]
        if is_late and not kills:
            again = [one for one in self.injections if one.is_kill]
            return self.random.choice(again or self.injections)
        return self._deck.pop(kills[0] if is_late else 0)

    # -- moments ------------------------------------------------------------------

    async def _moment(
        self, look: Callable[[], tuple[Process, str] | None]
    ) -> tuple[Process, str] | None:
        until = time.monotonic() + MOMENT_SECONDS
        while time.monotonic() < until:
            self.scene.read_ledgers()
            if found := look():
                return found
            await asyncio.sleep(LOOK_SECONDS)
        return None

    def _streaming(self) -> tuple[Process, str] | None:
        """A process that a model speaks to, and the thread that it does it for."""
        facts = list(self.scene.requests.values())
        self.random.shuffle(facts)
        for fact in facts:
            process = self.stage.process_of(fact["site"])
            thread = self.scene.threads_of.get(fact["key"])
            if process and thread and time.time() - fact["at"] < 3:
                return process, thread
        return None

    def _in_tool(self) -> tuple[Process, str] | None:
        for fact in list(self.scene.tools.values()):
            process = self.stage.process_of(fact["pid"])
            thread = self.scene.threads_of.get(fact["key"])
            if process and thread:
                return process, thread
        return None

    def _waiting(self) -> tuple[Process, str] | None:
        found = [r for r in self.scene.records if self._status(r) == "requires_action"]
        if not found:
            return None
        process = self.random.choice(self.stage.processes)
        return (process, self.random.choice(found).thread) if process.is_alive else None

    def _status(self, record: Record) -> str:
        run = record.active_run
        return record.runs[run].status if run else ""

    def _busy(self, process: Process) -> tuple[Process, str] | None:
        """This process, if a run is on its way somewhere."""
        found = [r for r in self.scene.records if self._status(r) == "in_progress"]
        if not found or not process.is_alive:
            return None
        return process, self.random.choice(found).thread

    # -- acts ---------------------------------------------------------------------

    def _kill(self, process: Process, thread: str, fault: str) -> None:
        self.scene.inject(fault)
        self.scene.deaths.append(time.time())
        process.kill()
        self.scene.recover(fault, thread)
        process.start()

    async def kill_in_stream(self) -> bool:
        found = await self._moment(self._streaming)
        if found is None:
            return False
        await asyncio.sleep(self.random.uniform(0, 0.25))
        self._kill(*found, "kill -9 in model stream")
        return True

    async def kill_in_tool(self) -> bool:
        found = await self._moment(self._in_tool)
        if found is None:
            return False
        await asyncio.sleep(self.random.uniform(0, 0.1))
        self._kill(*found, "kill -9 in server tool")
        return True

    async def kill_waiting(self) -> bool:
        found = await self._moment(self._waiting)
        if found is None:
            return False
        self._kill(*found, "kill -9 while a page is asked")
        return True

    async def kill_after_answer(self) -> bool:
        """Within 50 ms of an accepted answer."""
        self.scene.accepted.clear()
        try:
            async with asyncio.timeout(MOMENT_SECONDS):
                await self.scene.accepted.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(self.random.uniform(0, 0.05))
        process = self.random.choice(self.stage.processes)
        if not process.is_alive:
            return False
        self._kill(
            process, self.scene.accepted_in, "kill -9 between answer and going on"
        )
        return True

    async def kill_any(self) -> bool:
        """At any moment, whatever it does."""
        process = self.random.choice(self.stage.processes)
        if not process.is_alive:
            return False
        found = self._busy(process)
        self._kill(process, found[1] if found else "", "kill -9 at any moment")
        return True

    async def pause(self) -> bool:
        """SIGSTOP for longer than the lease, then SIGCONT: it believes that no time has passed."""
        found = await self._moment(self._streaming)
        if found is None:
            return False
        process, thread = found
        fault = "SIGSTOP past the lease"
        self.scene.inject(fault)
        self.scene.deaths.append(time.time())
        process.pause()
        if self.stage.is_postgres:  # somebody else takes over
            self.scene.recover(fault, thread)
        await asyncio.sleep(self.stage.lease + self.random.uniform(0.5, 2.5))
        process.go_on()
        if not self.stage.is_postgres:
            self.scene.recover(fault, thread)
        return True

    async def restart(self) -> bool:
        """SIGTERM, one process after the other."""
        found = await self._moment(lambda: self._busy(self.stage.processes[0]))
        fault = "rolling restart (SIGTERM)"
        self.scene.inject(fault)
        for process in self.stage.processes:
            if not process.is_alive:
                continue
            self.scene.deaths.append(time.time())
            took = await process.end()
            self.scene.recover(fault, found[1] if found else "")
            found = None
            if took is None or took > QUIET_EXIT_SECONDS:
                text = f"{process.name} took {took or 'more than ten'} s to end"
                self.scene.complaints.add("exit", text, pid=process.pid)
            process.start()
            if isinstance(process, Web):
                await process.awake()
        return True

    async def redis_away(self) -> bool:
        redis = self.stage.redis
        if redis is None:
            return False
        fault = "Redis down"
        self.scene.inject(fault)
        redis.kill()
        busy = self._busy(self.stage.processes[0])
        self.scene.recover(fault, busy[1] if busy else "")  # it must not even stop
        await asyncio.sleep(REDIS_AWAY_SECONDS)
        redis.start()
        await self._let_recover()
        return True

    async def postgres_restart(self) -> bool:
        postgres = self.stage.postgres
        if postgres is None:
            return False
        fault = "PostgreSQL -m immediate restart"
        self.scene.inject(fault)
        busy = self._busy(self.stage.processes[0])
        self.scene.deaths.append(time.time())
        await asyncio.to_thread(postgres.restart)
        self.scene.recover(fault, busy[1] if busy else "")
        await self._let_recover()
        return True

    async def sqlite_locked(self) -> bool:
        fault = "SQLite locked for 5 s"
        self.scene.inject(fault)
        self.scene.deaths.append(time.time())
        busy = self._busy(self.stage.processes[0])
        await asyncio.to_thread(self.stage.hold_sqlite, LOCKED_SECONDS)
        self.scene.recover(fault, busy[1] if busy else "")
        return True


INJECTIONS = (
    Injection(
        name="kill -9 in model stream",
        act=Conductor.kill_in_stream,
        weight=4,
        is_kill=True,
    ),
    Injection(
        name="kill -9 in server tool",
        act=Conductor.kill_in_tool,
        weight=4,
        is_kill=True,
    ),
    Injection(
        name="kill -9 while a page is asked",
        act=Conductor.kill_waiting,
        weight=3,
        is_kill=True,
    ),
    Injection(
        name="kill -9 between answer and going on",
        act=Conductor.kill_after_answer,
        weight=3,
        is_kill=True,
    ),
    Injection(
        name="kill -9 at any moment",
        act=Conductor.kill_any,
        weight=3,
        is_kill=True,
    ),
    Injection(name="SIGSTOP past the lease", act=Conductor.pause, weight=2),
    Injection(name="rolling restart (SIGTERM)", act=Conductor.restart, weight=1),
    Injection(name="Redis down", act=Conductor.redis_away, weight=2, needs="postgres"),
    Injection(
        name="PostgreSQL -m immediate restart",
        act=Conductor.postgres_restart,
        weight=2,
        needs="postgres",
    ),
    Injection(
        name="SQLite locked for 5 s",
        act=Conductor.sqlite_locked,
        weight=1,
        needs="sqlite",
    ),
)
