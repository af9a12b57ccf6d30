"""What each address of the API takes and answers: the table that the schema is made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatkit_app.api import shapes
from chatkit_app.api.bodies import (
    Answers,
    Asked,
    FirstSaid,
    NewFork,
    NewThread,
    Nothing,
    Said,
    ThreadChanges,
)
from chatkit_app.api.erasing import Confirmed
from chatkit_app.api.feedback import Rating
from chatkit_app.api.operation import (
    BINARY,
    EXPORTED,
    FILE,
    FLAG,
    ID,
    PAGE,
    SIZE,
    TEXT,
    TIME,
    Operation,
    Schema,
)
from chatkit_app.api.share_operations import SHARE_OPERATIONS
from chatkit_app.engine.states import RunStatus, ThreadStatus

EVERYWHERE = (400, 401, 403, 404, 405, 406, 429)
WITH_BODY = (409, 413, 415)
CODES: Mapping[int, str] = {
    400: "`invalid_command`, `answer_invalid`, `attachment_refused`",
    401: "as the site's authentication says",
    403: "`not_allowed`, `sharing_off`, `no_viewer`, `permission_denied` (the CSRF token)",
    404: "`thread_not_found`, `message_not_found`, `run_not_found`, `call_not_found`,"
    " `interrupt_not_found`, `attachment_not_found`, `assistant_not_found`, `cursor_not_found`,"
    " `share_not_found`,"
    " `not_found`: missing, or somebody else's",
    405: "`method_not_allowed`",
    406: "`not_acceptable`",
    409: "`run_conflict`, `approval_pending`, `command_conflict`, `answer_duplicate`,"
    " `answer_late`, `claim_held`, `too_many_attachments`, `nothing_to_share`, `too_many_shares`,"
    " `fork_too_large`,"
    " `invalid_page`: it fits, and not now or not here",
    413: "`frame_too_large`, `attachment_too_large`",
    415: "`unsupported_media_type`, `attachment_type_refused`",
    429: "`rate_limited`, `budget_spent`, `throttled`: when to come again is in Retry-After",
    503: "`not_known_here`: in the middle of a deploy; when to try again is in Retry-After;"
    " `redaction_failed`",
}
"""By status the codes that are meant by it."""

NO_BODY: Mapping[str, Any] = {"body": Nothing, "needs_body": False}


def _page_of(**query: tuple[Schema, str]) -> Mapping[str, tuple[Schema, str]]:
    return {**query, **PAGE}


def _some_of(*words: str) -> Schema:
    """Of ``query_words``."""
    word = f"({'|'.join(words)})"
    pattern = f"^{word}(,{word}){{0,{len(words) - 1}}}$"
    return {"type": "string", "pattern": pattern}


OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    **SHARE_OPERATIONS,
    "ThreadsView": {
        "get": Operation(
            name="threads_list",
            summary="My threads, newest activity first",
            query=_page_of(
                search=(TEXT, "Words in the title or in what was said."),
                assistant=(TEXT, "Only threads with this assistant."),
                status=(
                    _some_of(*ThreadStatus),
                    f"The thread's, or some with commas between: {', '.join(ThreadStatus)}.",
                ),
                run=({"type": "string", "enum": [*RunStatus]}, "Its newest run's."),
                unread=(FLAG, "Is there an answer that its owner has not seen?"),
                pinned=(FLAG, "Has its owner put it to the top?"),
                created_after=(TIME, "Made at this moment or later."),
                created_before=(TIME, "Made earlier."),
                active_after=(TIME, "Newest activity at this moment or later."),
                active_before=(TIME, "Newest activity earlier."),
            ),
            answers={200: shapes.ThreadsJson},
        ),
        "post": Operation(
            name="threads_create",
            summary="An empty thread",
            body=NewThread,
            answers={200: shapes.ThreadJson, 201: shapes.ThreadJson},
        ),
    },
    "ThreadView": {
        "get": Operation(
            name="threads_retrieve",
            summary="One of my threads",
            answers={200: shapes.ThreadJson},
        ),
        "patch": Operation(
            name="threads_change",
            summary="Rename it, archive it, pin it, note something",
            needs_body=False,
            body=ThreadChanges,
            answers={200: shapes.ThreadJson},
        ),
        "delete": Operation(
            name="threads_delete",
            summary="Delete it; for a while it can be restored",
            answers={200: shapes.DeletedJson},
        ),
    },
    "RestoreView": {
        "post": Operation(
            name="threads_restore",
            summary="Take a deletion back",
            **NO_BODY,
            answers={200: shapes.ThreadJson},
        )
    },
    "ReadView": {
        "post": Operation(
            name="threads_read",
            summary="I have seen what is in it",
            **NO_BODY,
            answers={200: shapes.ThreadJson},
        )
    },
    "MessagesView": {
        "get": Operation(
            name="messages_list",
            summary="The shown branch of a thread, oldest first",
            query={
                "before": (ID, "Messages before this one."),
                "after": (ID, "Messages after this one."),
                "around": (ID, "Messages around this one; stands alone."),
                "limit": (SIZE, "How many at most."),
            },
            answers={200: shapes.MessagesJson},
        ),
        "post": Operation(
            name="messages_send",
            summary="Say something in a thread",
            body=Said,
            answers={202: shapes.AcceptedJson},
        ),
    },
    "FirstMessageView": {
        "post": Operation(
            name="messages_send_first",
            summary="Say something in a new thread",
            body=FirstSaid,
            answers={202: shapes.AcceptedJson},
        )
    },
    "SiblingsView": {
        "get": Operation(
            name="messages_siblings",
            summary="All that was ever said in this message's place",
            answers={200: shapes.SiblingsJson},
        )
    },
    "RegenerateView": {
        "post": Operation(
            name="messages_regenerate",
            summary="Another answer, beside this one",
            body=Asked,
            answers={202: shapes.AcceptedJson},
        )
    },
    "EditView": {
        "post": Operation(
            name="messages_edit",
            summary="Another message in the place of mine, which is kept",
            body=Said,
            answers={202: shapes.AcceptedJson},
        )
    },
    "ShowView": {
        "post": Operation(
            name="messages_show",
            summary="Show the branch of this message",
            body=Asked,
            answers={202: shapes.AcceptedJson},
        )
    },
    "ForkView": {
        "post": Operation(
            name="messages_fork",
            summary="A new thread that begins as this one, down to this message",
            body=NewFork,
            needs_body=False,
            answers={200: shapes.ThreadJson, 201: shapes.ThreadJson},
        )
    },
    "FeedbackView": {
        "get": Operation(
            name="feedback_retrieve",
            summary="How I liked an answer",
            answers={200: shapes.FeedbackJson},
        ),
        "put": Operation(
            name="feedback_rate",
            summary="Say how I like an answer",
            body=Rating,
            answers={200: shapes.FeedbackJson},
        ),
        "delete": Operation(
            name="feedback_withdraw",
            summary="Take it back",
            answers={204: None},
        ),
    },
    "RunsView": {
        "get": Operation(
            name="runs_list",
            summary="The runs of my threads, the newest first",
            query=_page_of(
                thread=(ID, "Only this thread's."),
                status=({"type": "string", "enum": [*RunStatus]}, "Only such."),
            ),
            answers={200: shapes.RunsJson},
        )
    },
    "RunView": {
        "get": Operation(
            name="runs_retrieve",
            summary="One run, with its steps",
            answers={200: shapes.RunJson},
        )
    },
    "CancelView": {
        "post": Operation(
            name="runs_cancel",
            summary="End a run; what it has written stays",
            body=Asked,
            answers={202: shapes.AcceptedJson},
        )
    },
    "RetryView": {
        "post": Operation(
            name="runs_retry",
            summary="Answer again what a failed or cancelled run was to answer",
            body=Asked,
            answers={202: shapes.AcceptedJson},
        )
    },
    "ToolCallsView": {
        "get": Operation(
            name="tool_calls_list",
            summary="The tool calls of my threads, the newest first",
            query=_page_of(
                open=(FLAG, "Is it still to be answered?"),
                failed=(FLAG, "Did it fail?"),
                tool=(TEXT, "Only calls of this tool."),
                thread=(ID, "Only this thread's."),
                run=(ID, "Only this run's."),
            ),
            answers={200: shapes.ToolCallsJson},
        )
    },
    "ToolCallView": {
        "get": Operation(
            name="tool_calls_retrieve",
            summary="One tool call",
            answers={200: shapes.ToolCallJson},
        )
    },
    "InterruptsView": {
        "get": Operation(
            name="interrupts_list",
            summary="What waits for me, what was asked last first",
            query=_page_of(thread=(ID, "Only what is asked in this thread.")),
            answers={200: shapes.InterruptsJson},
        ),
        "post": Operation(
            name="interrupts_answer",
            summary="Answer what is asked, all or none",
            body=Answers,
            answers={200: shapes.ResolvedJson},
            errors=(503,),
        ),
    },
    "AttachmentsView": {
        "post": Operation(
            name="attachments_upload",
            summary="Bring a file, for a message to come",
            body=FILE,
            media_type="multipart/form-data",
            answers={201: shapes.AttachmentJson},
        )
    },
    "AttachmentView": {
        "get": Operation(
            name="attachments_retrieve",
            summary="What is known of a file",
            answers={200: shapes.AttachmentJson},
        ),
        "delete": Operation(
            name="attachments_delete",
            summary="Throw a file away that no message has taken",
            answers={204: None},
            errors=(409,),
        ),
    },
    "ContentView": {
        "get": Operation(
            name="attachments_content",
            summary="The file's bytes",
            answers={200: {"*/*": BINARY}},
        )
    },
    "ThreadExportView": {
        "get": Operation(
            name="threads_export",
            summary="A thread as a file",
            query={
                "as": ({"type": "string", "enum": ["json", "markdown"]}, "As what.")
            },
            answers={200: EXPORTED},
        )
    },
    "ExportView": {
        "get": Operation(
            name="export",
            summary="All of mine as a file",
            query={
                "as": (
                    {"type": "string", "enum": ["json", "markdown", "zip"]},
                    "As what.",
                )
            },
            answers={200: {**EXPORTED, "application/zip": BINARY}},
        )
    },
    "EraseView": {
        "post": Operation(
            name="erase",
            summary="Erase all of mine, for good",
            body=Confirmed,
            answers={200: shapes.ErasedJson},
        )
    },
    "UsageView": {
        "get": Operation(
            name="usage",
            summary="My budgets, and what is left of them",
            answers={200: shapes.BudgetsJson},
        )
    },
}
"""By the view's name and the method."""
