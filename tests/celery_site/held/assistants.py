from __future__ import annotations

import time

from pydantic import BaseModel

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ToolContext, tool_definition
from chatkit_app.jobs import job
from chatkit_app.registry import register
from tests.celery_site.queue import app
from tests.job_tools import is_let_go

LOOK_SECONDS = 0.1
HELD_SECONDS = 120.0
"""Then it ends by itself: the test has forgotten it."""


class Held(BaseModel):
    """Nothing is asked for."""


@app.task(ignore_result=True, acks_late=True)
def export_held(tool_call_id: str) -> None:
    """Tell something new again and again, so that whoever comes hears it."""
    with job(tool_call_id) as work:
        if not work.begin():
            return
        until, looks = time.monotonic() + HELD_SECONDS, 0
        while not is_let_go() and time.monotonic() < until:
            work.check_cancelled()
            work.progress(0.5, f"Look {looks}")
            time.sleep(LOOK_SECONDS)
            looks += 1
        work.complete({"url": f"/exports/{work.tool_call_id}.csv"})


export = tool_definition(
    name="export_held",
    description="Export rows to a file when the test says so.",
    input=Held,
    effect="idempotent",
    deadline=1800,
)


def enqueue(context: ToolContext, _wanted: Held) -> None:
    export_held.delay(str(context.tool_call_id))


register(Assistant(name="keeper", tools=[export.job(enqueue)]))
