"""The example of docs/jobs.md for a site whose queue is Django's own tasks; Django 6.0 and newer."""

from __future__ import annotations

from django.tasks import task

from chatkit_app.engine.tools import ToolContext
from chatkit_app.jobs import job
from tests.job_tools import Export


@task
def export_rows(tool_call_id: str) -> None:
    with job(tool_call_id) as work:
        if work.begin():
            work.progress(0.5, "Half of it")
            work.complete({"rows": work.input.rows})


def enqueue(context: ToolContext, wanted: Export) -> None:
    export_rows.enqueue(str(context.tool_call_id))
