"""Side effects, written down where every process of a test can see them."""

from __future__ import annotations

import os
from pathlib import Path


def ledger(line: str) -> None:
    """Write down a side effect where every process of a test can see it."""
    path = os.environ.get("CHATKIT_TEST_LEDGER")
    if path:
        with Path(path).open("a") as file:
            file.write(line + "\n")
