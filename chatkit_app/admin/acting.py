"""What the staff do in a thread: end a run, have it tried again, reply as a person, export, erase.

Each is asked of the policy, done by the command that a page would send, and noted twice, without a
word of what was said: in the admin's log and among the accesses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from chatkit_app.access import Action, policy, viewer_of_request
from chatkit_app.admin.content import title_of
from chatkit_app.admin.live import LivePage
from chatkit_app.downloads import download
from chatkit_app.engine.commands import Cancel, Command, Reply, Retry
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import ChatKitError
from chatkit_app.models import AccessLog, Thread, new_id
from chatkit_app.runs import service
from chatkit_app.threads.accesses import note
from chatkit_app.threads.bundle import JSON, MARKDOWN
from chatkit_app.threads.erase import erase_as_staff
from chatkit_app.threads.export import of_any

PROTOCOL = "admin"
"""Whose command ids these are: none of a page's can be one of them."""
CONFIRMED = "erase"
"""What is typed before a thread is erased, where its owner has no name."""


class ActForm(forms.Form):
    """What an act needs. ``submission`` names it, so that a second click is the same act again."""

    submission = forms.UUIDField()
    run = forms.UUIDField(required=False)
    text = forms.CharField(required=False, strip=False)

    def clean_text(self) -> str:
        """Lines end as everywhere but in browsers' forms."""
        return str(self.cleaned_data["text"]).replace("\r\n", "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An action of the staff's and its command; ``done`` is what they read then, ``logged`` the log."""

    action: Action
    command: Callable[[Thread, Mapping[str, Any]], Command]
    done: Any
    logged: str
    field: str = "run"


def _cancel(thread: Thread, given: Mapping[str, Any]) -> Command:
    return Cancel(id=given["submission"].hex, thread_id=thread.pk, run_id=given["run"])


def _retry(thread: Thread, given: Mapping[str, Any]) -> Command:
    return Retry(id=given["submission"].hex, thread_id=thread.pk, run_id=given["run"])


def _reply(thread: Thread, given: Mapping[str, Any]) -> Command:
    return Reply(id=given["submission"].hex, thread_id=thread.pk, text=given["text"])


ACTS: Mapping[str, Act] = {
    "cancel": Act(
        action=Action.CANCEL,
        command=_cancel,
        done=gettext_lazy("The run is cancelled."),
        logged="cancelled a run",
    ),
    "retry": Act(
        action=Action.RETRY,
        command=_retry,
        done=gettext_lazy("The answer is tried again."),
        logged="retried a run",
    ),
    "reply": Act(
        action=Action.REPLY,
        command=_reply,
        done=gettext_lazy("Your reply is in the thread."),
        logged="replied",
        field="text",
    ),
}


class ThreadActs(LivePage):
    """The addresses at which a thread's page acts."""

    def get_urls(self) -> list[URLPattern]:
        """One for each kind of act."""
        wrap = self.admin_site.admin_view
        return [
            path(
                "<uuid:pk>/act/<slug:name>/",
                wrap(require_POST(self.act)),
                name="chatkit_app_thread_act",
            ),
            path(
                "<uuid:pk>/export/",
                wrap(require_POST(self.export)),
                name="chatkit_app_thread_export",
            ),
            path("<uuid:pk>/erase/", wrap(self.erase), name="chatkit_app_thread_erase"),
            *super().get_urls(),
        ]

    def act(self, request: HttpRequest, pk: UUID, name: str) -> HttpResponseBase:
        """Do it, and go back to the thread."""
        act = ACTS.get(name)
        if act is None:
            raise Http404
        thread, viewer = self._allowed(request, pk, act.action)
        form = ActForm(request.POST)
        if not form.is_valid() or not form.cleaned_data[act.field]:
            messages.error(request, gettext("There is nothing to be done."))
            return redirect(self._page(thread))
        try:
            service.handle(
                viewer, act.command(thread, form.cleaned_data), protocol=PROTOCOL
            )
        except ChatKitError as error:
            if text := form.cleaned_data["text"]:
                return self._show_reply(request, thread, text, error)
            messages.error(request, str(error))
        else:
            self._note(
                request, thread, act.action, act.logged, form.cleaned_data["submission"]
            )
            messages.success(request, str(act.done))
        return redirect(self._page(thread))

    def export(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """The thread as a file: JSON, or Markdown with ``as=markdown``; who has taken it is noted."""
        thread, viewer = self._allowed(request, pk, Action.EXPORT_ANY)
        self._allowed(request, pk, Action.READ_CONTENT)
        found = of_any(viewer, pk)
        self.log_change(request, thread, "exported")
        kind = MARKDOWN if request.POST.get("as") == MARKDOWN else JSON
        return download(request, found, kind, str(pk))

    def erase(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Ask whether it is meant, then erase the thread for good."""
        if request.method == "POST" and self._has_erased(request, pk):
            return self._say_erased(request)  # a second click
        thread, viewer = self._allowed(request, pk, Action.ERASE)
        word = _confirming(thread)
        is_sure = request.POST.get("confirm", "").strip() == word
        if request.method == "POST" and is_sure:
            self.log_deletions(request, self.get_queryset(request).filter(pk=pk))
            erase_as_staff(viewer, pk)
            return self._say_erased(request)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Erase a thread"),
            "opts": self.opts,
            "original": thread,
            "heading": title_of(request, thread),
            "word": word,
            "is_wrong": request.method == "POST",
            "submission": new_id().hex,
            "media": self.media,
        }
        return TemplateResponse(request, "chatkit_app/admin/erase.html", context)

    def _show_reply(
        self, request: HttpRequest, thread: Thread, text: str, error: ChatKitError
    ) -> HttpResponseBase:
        """What they have written is not lost where it can't be sent now."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Reply as a person"),
            "opts": self.opts,
            "thread": thread,
            "text": text,
            "problem": str(error),
            "submission": new_id().hex,
            "media": self.media,
        }
        return TemplateResponse(request, "chatkit_app/admin/reply_page.html", context)

    def _has_erased(self, request: HttpRequest, pk: UUID) -> bool:
        """Is it gone, and was it they who did it?"""
        noted = AccessLog.objects.filter(
            thread_id=pk, user=request.user.pk, action=Action.ERASE
        )
        return noted.exists() and not self.get_queryset(request).filter(pk=pk).exists()

    def _say_erased(self, request: HttpRequest) -> HttpResponseBase:
        messages.success(request, gettext("The thread is erased."))
        return redirect(f"{self.admin_site.name}:chatkit_app_thread_changelist")

    def _allowed(
        self, request: HttpRequest, pk: UUID, action: Action
    ) -> tuple[Thread, Viewer]:
        """The thread and who does this to it.

        Raises:
            Http404: They may not even inspect it.
            PermissionDenied: They may not do this.
        """
        thread = self.wanted(request, pk)
        viewer = viewer_of_request(request)
        if viewer is None or not policy().can(viewer, action, thread):
            raise PermissionDenied
        return thread, viewer

    def _note(
        self,
        request: HttpRequest,
        thread: Thread,
        action: Action,
        words: str,
        key: UUID | None,
    ) -> None:
        """In both logs, once."""
        if note(request.user, thread.pk, action, key=key):
            self.log_change(request, thread, words)

    def _page(self, thread: Thread) -> str:
        name = f"{self.admin_site.name}:chatkit_app_thread_change"
        return reverse(name, args=[thread.pk])


def _confirming(thread: Thread) -> str:
    """What has to be typed: the owner's name."""
    return thread.user.get_username() if thread.user is not None else CONFIRMED
