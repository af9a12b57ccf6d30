"""The processes: the provider, and one Daphne for each that is measured."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).parent.parent
START_SECONDS = 60.0
CPU_CLOCK = 2
"""Linux's CPUCLOCK_SCHED: what a process has computed, of all its threads, in nanoseconds."""


def cpu_seconds(pid: int) -> float:
    """What the process has computed so far: utime + stime of /proc, but finer than its 10 ms."""
    return time.clock_gettime((~pid << 3) | CPU_CLOCK)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def provider() -> Iterator[Server]:
    """The fake provider."""
    command = [sys.executable, "-m", "benchmarks.provider"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            yield Server(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


@contextmanager
def daphne(application: str, environment: Mapping[str, str]) -> Iterator[Server]:
    """An ASGI application under Daphne, which answers."""
    with socket.socket() as probe, tempfile.TemporaryFile() as log:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        command = [sys.executable, "-m", "daphne", "--verbosity", "0"]
        command += ["-b", "127.0.0.1", "-p", str(port), application]
        with subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdout=log, stderr=log
        ) as process:
            try:
                server = Server(port, process.pid)
                _await(server, process)
                yield server
            except BaseException:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace")[-4000:])
                raise
            finally:
                process.terminate()
                process.wait(30)


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/login/", timeout=5):
                return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.05)
    raise SystemExit("A server did not come up.")


@contextmanager
def limit(base_url: str) -> Iterator[Server]:
    """A bare consumer's server."""
    with daphne(
        "benchmarks.limit:application", {**_bare(), "OPENAI_BASE_URL": base_url}
    ) as server:
        yield server


@contextmanager
def ours(
    base_url: str, database_url: str = "", redis_url: str = ""
) -> Iterator[Server]:
    """The app's server, with a database of its own: SQLite, or one on this PostgreSQL."""
    environment = {
        **_bare(),
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "OPENAI_BASE_URL": base_url,
        "DEBUG": "0",
    }
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        environment["DEMO_FOLDER"] = folder
        if database_url:
            environment["DATABASE_URL"] = stack.enter_context(_database(database_url))
        if redis_url:
            environment["REDIS_URL"] = redis_url
        subprocess.run(
            [sys.executable, "-m", "django", "migrate", "-v0"],
            cwd=ROOT,
            env=environment,
            check=True,
        )
        yield stack.enter_context(daphne("project.asgi:application", environment))


@contextmanager
def _database(url: str) -> Iterator[str]:
    import psycopg

    name = f"chatkit_bench_{uuid.uuid4().hex[:12]}"

    def execute(statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        execute(f"DROP DATABASE {name} WITH (FORCE)")


def _bare() -> dict[str, str]:
    """The environment without what would change the servers."""
    ours = ("OPENAI_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "CHATKIT_", "DEBUG")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)}
