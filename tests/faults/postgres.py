"""A PostgreSQL of our own, in a folder of its own, on a free port."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.faults.processes import free_port

USER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "fsync": "on",
    "checkpoint_timeout": "30s",  # a short replay after each immediate restart
}


def programs() -> Path | None:
    """Where ``initdb`` and ``pg_ctl`` are; None if they are nowhere."""
    found = sorted(
        (p.parent for p in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda folder: float(folder.parent.name),
    )
    if found:
        return found[-1]
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


class Postgres:
    """``start`` makes it; ``restart`` is ``pg_ctl -m immediate restart``, which is a crash."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="chatkit-faults-postgres-"))
        found = programs()
        assert found is not None
        self._programs = found

    @property
    def url(self) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/faults"

    def start(self) -> None:
        """Make the cluster and the database, and serve."""
        if os.geteuid() == 0:
            owner = pwd.getpwnam(USER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8")
        words = {**SETTINGS, "port": str(self.port)}
        words["unix_socket_directories"] = str(self.folder)
        options = " ".join(f"-c {name}={value}" for name, value in words.items())
        log = str(self.folder / "server.log")
        self._run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        self._run(
            "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "faults"
        )

    def restart(self) -> float:
        """Crash and come back; the moment at which it took connections again."""
        data, log = str(self.folder / "data"), str(self.folder / "server.log")
        self._run("pg_ctl", "-D", data, "-l", log, "-m", "immediate", "-w", "restart")
        return time.time()

    def stop(self) -> None:
        """End it and take its folder away."""
        with contextlib.suppress(RuntimeError):  # it may never have come up
            data = str(self.folder / "data")
            self._run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> str:
        command = [str(self._programs / program), *words]
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            command = ["runuser", "-u", USER, "--", *command]
        # its server keeps what it inherits: a pipe would never end
        with (self.folder / "programs.log").open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", check=False)
        if done.returncode:
            text = (self.folder / "programs.log").read_text()[-2000:]
            raise RuntimeError(f"{' '.join(command)}\n{text}")
        return ""
