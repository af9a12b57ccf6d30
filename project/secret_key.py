"""The demo's secret key: from the environment, else made once and kept beside the database."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def secret_key(folder: Path) -> str:
    """``DJANGO_SECRET_KEY``, else what the folder holds, else a new one that it holds from now on."""
    if given := os.environ.get("DJANGO_SECRET_KEY"):
        return given
    path = folder / "secret_key"
    if not path.exists():
        _write_once(path, get_random_secret_key())
    return path.read_text()


def _write_once(path: Path, text: str) -> None:
    """Make the file whole or not at all; of two processes the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(text)
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
