"""The processes of ``tests/test_workers.py``."""

from __future__ import annotations

from tests.test_workers import (  # noqa: F401 (fixtures)
    celery_site,
    processes,
    site,
    worker,
)
