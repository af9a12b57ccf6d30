"""A Redis of our own on a free port, which keeps nothing."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path

from tests.faults.processes import Process, free_port


def is_there() -> bool:
    """Is the program installed?"""
    return shutil.which("redis-server") is not None


class Redis(Process):
    """The doorbell's server."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        super().__init__("redis", command, os.environ, folder / "redis.log")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def wait(self) -> None:
        """Until it takes connections."""
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError("Redis did not come up.")
