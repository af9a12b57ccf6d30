"""A stage: the site's processes, its database, its doorbell and the model, all of them our own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.ledger import Ledger
from tests.faults.postgres import Postgres
from tests.faults.processes import ROOT, Nursery, Process, Web, free_port, run
from tests.faults.redis_server import Redis

WORKER_RUNNER = "chatkit_app.runs.worker_runner.WorkerRunner"
SITE = ("OPENAI_", "DATABASE_URL", "REDIS_URL", "DJANGO_", "CHATKIT_", "FAULTS_")


class Stage:
    """SQLite with one process; or PostgreSQL and Redis with two web processes and two workers."""

    def __init__(
        self, folder: Path, *, is_postgres: bool, lease: float, is_quick: bool
    ) -> None:
        self.folder = folder
        self.is_postgres = is_postgres
        self.lease = lease
        self.sqlite = folder / "site.sqlite3"
        self.model_ledger = Ledger(folder / "model.jsonl")
        self.tool_ledger = Ledger(folder / "tools.jsonl")
        self.postgres = Postgres() if is_postgres else None
        self.redis = Redis(folder) if is_postgres else None
        self.has_workers = is_postgres and has_worker()
        self._model_port = free_port()
        environment = self._environment()
        self.environment = environment
        self.model = Process(
            "model",
            [
                *(sys.executable, "-m", "tests.faults.model_server"),
                *(str(self._model_port), str(self.model_ledger.path)),
            ],
            environment,
            folder / "model.log",
        )
        servers = ["daphne"]
        if is_postgres:
            servers.append(second_server())
        self.nursery = Nursery(environment, folder) if is_quick else None
        self.webs = [
            Web(f"web{n}-{server}", environment, folder, server, self.nursery)
            for n, server in enumerate(servers, 1)
        ]
        worker = [sys.executable, "-m", "django", "chatkit_worker"]
        self.workers = [
            Process(f"worker{n}", worker, environment, folder / f"worker{n}.log")
            for n in (1, 2)
            if self.has_workers
        ]

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(SITE)}
        found = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "tests.faults.site.settings",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
            "FAULTS_SQLITE": str(self.sqlite),
            "FAULTS_LEDGER": str(self.tool_ledger.path),
            "FAULTS_MODEL": f"http://127.0.0.1:{self._model_port}/v1",
            "FAULTS_LEASE": str(self.lease),
        }
        if self.postgres and self.redis:
            found["FAULTS_POSTGRES"] = self.postgres.url
            found["FAULTS_REDIS"] = self.redis.url
        if self.has_workers:
            found["FAULTS_RUNNER"] = WORKER_RUNNER
        return found

    @property
    def processes(self) -> list[Process]:
        """Those that execute the site's code."""
        return [*self.webs, *self.workers]

    @property
    def carriers(self) -> list[Process]:
        """Those that execute runs."""
        return self.workers or list(self.webs)

    async def start(self) -> None:
        """Everything, and the tables."""
        if self.postgres and self.redis:
            await asyncio.to_thread(self.postgres.start)
            self.redis.start()
            await asyncio.to_thread(self.redis.wait)
        migrate = [sys.executable, "-m", "django", "migrate", "-v0"]
        await asyncio.to_thread(run, migrate, self.environment)
        self.model.start()
        if self.nursery:
            self.nursery.start()
        for process in self.processes:
            process.start()
        await asyncio.gather(*(web.awake() for web in self.webs))

    def stop(self) -> None:
        """End what was started."""
        for process in [
            *self.processes,
            self.model,
            *filter(None, [self.redis, self.nursery]),
        ]:
            process.go_on()
            process.kill()
        if self.postgres:
            self.postgres.stop()

    def process_of(self, pid: int) -> Process | None:
        """The process that has this pid now."""
        found = (p for p in self.processes if p.pid == pid and p.is_alive)
        return next(found, None)

    @contextlib.contextmanager
    def locked_sqlite(self) -> Iterator[None]:
        """Nobody else writes meanwhile."""
        connection = sqlite3.connect(self.sqlite, timeout=15, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    def hold_sqlite(self, seconds: float) -> None:
        with self.locked_sqlite():
            time.sleep(seconds)


def has_worker() -> bool:
    """Does the app have a command that executes runs?"""
    name = "chatkit_app.management.commands.chatkit_worker"
    return importlib.util.find_spec(name) is not None


def second_server() -> str:
    """Uvicorn beside Daphne, where it is installed."""
    installed = all(importlib.util.find_spec(n) for n in ("uvicorn", "websockets"))
    return "uvicorn" if installed else "daphne"
