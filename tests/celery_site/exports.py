from __future__ import annotations

import time

from chatkit_app.jobs import job
from tests.celery_site.queue import app


@app.task(ignore_result=True, acks_late=True)
def export_rows(tool_call_id: str) -> None:
    with job(tool_call_id) as work:
        if not work.begin():
            return
        rows = work.input.rows
        for row in range(rows):
            work.check_cancelled()
            work.progress(row / rows, f"Row {row + 1} of {rows}")
            time.sleep(0.1)
        work.complete({"url": f"/exports/{work.tool_call_id}.csv"})
