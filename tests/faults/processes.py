"""Programs that this one starts, and that it may kill: by their pids, and no others."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 40.0
EXIT_SECONDS = 10.0
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """In a fresh child: be killed when whoever started us has died, however it died."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One program with its log; it can be killed, paused, ended and started again."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
    ) -> None:
        self.name = name
        self.log = log
        self.pids: list[int] = []
        self._command = list(command)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | Forked | None = None

    @property
    def pid(self) -> int:
        """Of the newest start."""
        return self.pids[-1] if self.pids else 0

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return at once."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # our Ctrl-C is not theirs
                preexec_fn=die_with_parent,
            )
        self.pids.append(self._process.pid)

    def kill(self) -> None:
        """``kill -9``: no handler runs."""
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(EXIT_SECONDS)

    def pause(self) -> None:
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_alive:
            self._process.send_signal(number)

    async def end(self) -> float | None:
        """SIGTERM; the seconds until it was gone, None if it had to be killed."""
        begun = time.monotonic()
        self._send(signal.SIGTERM)
        while self.is_alive:
            if time.monotonic() - begun > EXIT_SECONDS:
                self.kill()
                return None
            await asyncio.sleep(0.02)
        return time.monotonic() - begun


class Nursery(Process):
    """Forks servers of the site, which it has loaded already (``nursery.py``)."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        command = [sys.executable, "-m", "tests.faults.nursery"]
        super().__init__("nursery", command, environment, folder / "nursery.log")

    def start(self) -> None:
        """Load the site; the first fork waits for it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.pids.append(self._process.pid)

    def fork(self, argv: Sequence[str], log: Path) -> int:
        """The pid of a new server."""
        process = self._process
        assert isinstance(process, subprocess.Popen)
        assert process.stdin is not None
        assert process.stdout is not None
        line = json.dumps({"argv": list(argv), "log": str(log)}) + "\n"
        process.stdin.write(line.encode())
        process.stdin.flush()
        return int(process.stdout.readline())


class Forked:
    """A server that the nursery has forked, as far as ``Process`` needs a ``Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return -1
        return None

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.pid} does not die")
            time.sleep(0.005)


class Web(Process):
    """A web server of the site: Daphne, or Uvicorn."""

    def __init__(
        self,
        name: str,
        environment: Mapping[str, str],
        folder: Path,
        server: str,
        nursery: Nursery | None = None,
    ) -> None:
        self.port = free_port()
        self.server = server
        self._nursery = nursery
        app = "tests.faults.site.asgi:application"
        commands = {
            "daphne": ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), app],
            "uvicorn": [
                *("-m", "uvicorn", app, "--host", "127.0.0.1", "--port"),
                *(str(self.port), "--lifespan", "off", "--log-level", "warning"),
            ],
        }
        super().__init__(
            name,
            [sys.executable, *commands[server]],
            environment,
            folder / f"{name}.log",
        )

    def start(self) -> None:
        """Start it, or have it forked."""
        if self._nursery is None:
            super().start()
            return
        words = self._command[3:]  # behind "python -m daphne"
        self._process = Forked(self._nursery.fork(words, self.log))
        self.pids.append(self._process.pid)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def awake(self) -> None:
        """Wait until it serves."""
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if await asyncio.to_thread(self._answers):
                return
            if not self.is_alive:
                break
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} did not come up: see {self.log}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/awake/", timeout=1) as answer:  # noqa: S310
                return int(answer.read()) == self.pid
        except (OSError, ValueError):
            return False


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """A program that ends by itself; its output."""
    done = subprocess.run(
        list(command),
        env=dict(environment or os.environ),
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout
