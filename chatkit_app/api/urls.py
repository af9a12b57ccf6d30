"""The addresses of the API, below the app's own ``api/``."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import path

from chatkit_app.api.attachments import (
    AttachmentsView,
    AttachmentView,
    ContentView,
)
from chatkit_app.api.erasing import EraseView
from chatkit_app.api.exports import ExportView, ThreadExportView
from chatkit_app.api.feedback import FeedbackView
from chatkit_app.api.forking import ForkView
from chatkit_app.api.interrupts import InterruptsView
from chatkit_app.api.messages import (
    EditView,
    FirstMessageView,
    MessagesView,
    RegenerateView,
    ShowView,
    SiblingsView,
)
from chatkit_app.api.runs import CancelView, RetryView, RunsView, RunView
from chatkit_app.api.shares import SharedView, SharesView, ShareView
from chatkit_app.api.threads import ReadView, RestoreView, ThreadsView, ThreadView
from chatkit_app.api.tool_calls import ToolCallsView, ToolCallView
from chatkit_app.api.usage import UsageView
from chatkit_app.api.views import HistoryView, MissingView

MESSAGE = "threads/<str:thread>/messages/<str:message>/"

urlpatterns = [
    path("threads/", ThreadsView.as_view(), name="api-threads"),
    # str and not uuid: what is no id is told so in our words, not by the site's 404 page
    path("threads/<str:thread>/", ThreadView.as_view(), name="api-thread"),
    path("threads/<str:thread>/restore/", RestoreView.as_view(), name="api-restore"),
    path("threads/<str:thread>/read/", ReadView.as_view(), name="api-read"),
    path("threads/<str:thread>/messages/", MessagesView.as_view(), name="api-messages"),
    path("messages/", FirstMessageView.as_view(), name="api-first-message"),
    path(f"{MESSAGE}siblings/", SiblingsView.as_view(), name="api-siblings"),
    path(f"{MESSAGE}regenerate/", RegenerateView.as_view(), name="api-regenerate"),
    path(f"{MESSAGE}edit/", EditView.as_view(), name="api-edit"),
    path(f"{MESSAGE}show/", ShowView.as_view(), name="api-show"),
    path(f"{MESSAGE}fork/", ForkView.as_view(), name="api-fork"),
    path(f"{MESSAGE}feedback/", FeedbackView.as_view(), name="api-feedback"),
    path("threads/<str:thread>/shares/", SharesView.as_view(), name="api-shares"),
    path(
        "threads/<str:thread>/shares/<str:share>/",
        ShareView.as_view(),
        name="api-share",
    ),
    path("shared/<str:token>/", SharedView.as_view(), name="api-shared"),
    path("runs/", RunsView.as_view(), name="api-runs"),
    path("runs/<str:run>/", RunView.as_view(), name="api-run"),
    path("runs/<str:run>/cancel/", CancelView.as_view(), name="api-cancel"),
    path("runs/<str:run>/retry/", RetryView.as_view(), name="api-retry"),
    path("tool-calls/", ToolCallsView.as_view(), name="api-tool-calls"),
    path("tool-calls/<str:call>/", ToolCallView.as_view(), name="api-tool-call"),
    path(
        "threads/<str:thread>/export/",
        ThreadExportView.as_view(),
        name="api-thread-export",
    ),
    path("export/", ExportView.as_view(), name="api-export"),
    path("erase/", EraseView.as_view(), name="api-erase"),
    path("usage/", UsageView.as_view(), name="api-usage"),
    path("interrupts/", InterruptsView.as_view(), name="api-interrupts"),
    path("attachments/", AttachmentsView.as_view(), name="api-attachments"),
    path(
        "attachments/<str:attachment>/",
        AttachmentView.as_view(),
        name="api-attachment",
    ),
    path(
        "attachments/<str:attachment>/content/",
        ContentView.as_view(),
        name="api-attachment-content",
    ),
]

if find_spec("drf_spectacular"):
    from chatkit_app.api.schema import ChatKitSchema, SchemaView

    # Set here and not there: the table of operations speaks of what the views take.
    HistoryView.schema = ChatKitSchema()
    urlpatterns.append(path("schema/", SchemaView.as_view(), name="api-schema"))

urlpatterns.append(path("<path:rest>", MissingView.as_view(), name="api-missing"))
