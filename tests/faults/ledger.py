"""What is written down outside of the site: one JSON line a fact, by any process, never changed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Fact = dict[str, Any]


class Ledger:
    """A file that several processes add lines to; ``O_APPEND`` keeps each line whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._read = 0
        self._rest = b""

    def note(self, kind: str, **fact: Any) -> None:
        """Add a fact, with the time and who tells it. It survives ``kill -9`` of the teller."""
        if self._file is None:
            self._file = os.open(
                self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644
            )
        line = {"kind": kind, "at": time.time(), "pid": os.getpid(), **fact}
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def news(self) -> Iterator[Fact]:
        """The facts that were not read before by this object."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            found = file.read()
        self._read += len(found)
        *lines, self._rest = (self._rest + found).split(b"\n")
        for line in lines:
            yield json.loads(line)

    def facts(self) -> list[Fact]:
        """All facts from the first on."""
        return list(Ledger(self.path).news())
