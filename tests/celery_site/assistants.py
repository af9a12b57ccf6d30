from __future__ import annotations

from pydantic import BaseModel, Field

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ToolContext, tool_definition
from chatkit_app.registry import register
from tests.celery_site.exports import export_rows


class Rows(BaseModel):
    rows: int = Field(description="How many rows.", le=10_000)


class Export(BaseModel):
    url: str


export = tool_definition(
    name="export_rows",
    description="Export rows to a file; takes minutes.",
    input=Rows,
    output=Export,
    effect="idempotent",
    deadline=1800,
)


def enqueue(context: ToolContext, wanted: Rows) -> None:
    export_rows.delay(str(context.tool_call_id))


register(Assistant(name="clerk", tools=[export.job(enqueue)]))
