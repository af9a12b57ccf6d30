"""The loop for one drive: the site's code in its threads, its redactor, its budgets."""

from __future__ import annotations

import asyncio
import threading
from uuid import uuid4

import pytest
from django.utils import translation

from chatkit_app.db import in_thread
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import BudgetSpent
from chatkit_app.redactors import RegexRedactor
from chatkit_app.runs.claiming import load
from chatkit_app.runs.counting import Counting
from chatkit_app.runs.driving import in_tool_thread, make_loop
from tests.runs.desk import started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def test_the_loop_has_what_the_site_says(settings) -> None:
    settings.CHATKIT_REDACTOR = "chatkit_app.redactors.RegexRedactor"
    settings.CHATKIT_PROVIDER_TRIES = 2
    viewer = Viewer(visitor=uuid4())
    run = started(viewer, "say Hi.")
    settings.CHATKIT_BUDGETS = [{"who": "viewer", "per": "day", "tokens": 0}]

    async def make() -> None:
        loaded = await in_thread(load, run.pk)
        loop = await make_loop(loaded, Counting(run.pk).checking(loaded))
        assert loop.brief.instructions == f"You help {viewer.key} on no page."
        assert loop.redaction.make is RegexRedactor
        assert loop.retries.tries == 2
        assert loop.check is not None
        with pytest.raises(BudgetSpent):
            await loop.check()

    asyncio.run(make())


def test_the_sites_code_runs_in_a_thread_in_the_callers_language() -> None:
    def who() -> tuple[str | None, str]:
        return translation.get_language(), threading.current_thread().name

    async def ask() -> tuple[str | None, str]:
        with translation.override("de"):
            return await in_tool_thread(who)

    language, name = asyncio.run(ask())

    assert language == "de"
    assert name != threading.current_thread().name
