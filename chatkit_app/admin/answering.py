"""What the staff do with what the owner is asked: answer it in their place, or let it go."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chatkit_app.access import Action, policy, viewer_of_request
from chatkit_app.admin.answers import AnswerForm, is_answered_here
from chatkit_app.admin.asked import Asked
from chatkit_app.admin.content import opened
from chatkit_app.admin.read_only import ReadOnlyAdmin
from chatkit_app.admin.rights import Rights
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import AnswerInvalid, ChatKitError, InvalidCommand
from chatkit_app.models import Interrupt
from chatkit_app.runs import service
from chatkit_app.runs.expiring import expire_now
from chatkit_app.threads.accesses import note

PROTOCOL = "admin"
"""Whose command ids these are: none of a page's can be one of them."""


class InterruptActs(ReadOnlyAdmin):
    """The addresses at which what is asked is answered, or expires."""

    @property
    def media(self) -> forms.Media:
        """With the looks of a thread's page."""
        own = forms.Media(css={"all": ["chatkit_app/admin/inspector.css"]})
        return super().media + own

    def get_urls(self) -> list[URLPattern]:
        """Two beside those of a decision."""
        wrap = self.admin_site.admin_view
        return [
            path(
                "<uuid:pk>/answer/",
                wrap(self.answer),
                name="chatkit_app_interrupt_answer",
            ),
            path(
                "<uuid:pk>/expire/",
                wrap(require_POST(self.expire)),
                name="chatkit_app_interrupt_expire",
            ),
            *super().get_urls(),
        ]

    def answer(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Show what is asked with a form for it, and take what is answered."""
        row, viewer = _allowed(request, pk, Action.ANSWER)
        if not is_answered_here(row):
            raise Http404
        if not opened(request, row.run.thread):
            raise PermissionDenied  # nobody answers what they may not read
        form = AnswerForm(row, request.POST if request.method == "POST" else None)
        if not form.is_bound or not form.is_valid():
            return self._show_question(request, row, form)
        try:
            service.handle(viewer, form.command(), protocol=PROTOCOL)
        except (AnswerInvalid, InvalidCommand) as error:
            form.refuse(error)
            return self._show_question(request, row, form)
        except ChatKitError as error:
            messages.error(request, str(error))
        else:
            key = UUID(form.cleaned_data["submission"])
            self._note(request, row, Action.ANSWER, "answered", key)
            messages.success(request, _("Your answer is taken."))
        return redirect(self._thread_page(row))

    def expire(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Let it go: the run goes on as if its time were over."""
        row, viewer = _allowed(request, pk, Action.EXPIRE)
        try:
            expire_now(viewer, row.pk)
        except ChatKitError as error:
            messages.warning(request, str(error))
        else:
            self._note(request, row, Action.EXPIRE, "expired", None)
            messages.success(request, _("Nobody is asked for this any more."))
        return redirect(self._thread_page(row))

    def _show_question(
        self, request: HttpRequest, row: Interrupt, form: AnswerForm
    ) -> HttpResponseBase:
        asked = Asked(row=row)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Answer to %(tool)s") % {"tool": asked.name},
            "opts": self.opts,
            "asked": asked,
            "may_read": True,
            "answer": form,
            "may": Rights(request, row.run.thread),
            "thread": row.run.thread,
            "may_open_thread": True,
            "media": self.media,
        }
        return TemplateResponse(
            request, "chatkit_app/admin/approval_page.html", context
        )

    def _note(
        self,
        request: HttpRequest,
        row: Interrupt,
        action: Action,
        words: str,
        key: UUID | None,
    ) -> None:
        """In both logs, once."""
        if note(request.user, row.run.thread_id, action, key=key):
            self.log_change(request, row, f"{words} {row.kind}")

    def _thread_page(self, row: Interrupt) -> str:
        name = f"{self.admin_site.name}:chatkit_app_thread_change"
        return reverse(name, args=[row.run.thread_id])


def _allowed(
    request: HttpRequest, pk: UUID, action: Action
) -> tuple[Interrupt, Viewer]:
    """What is asked, and who does this to it; another tenant's is as good as missing.

    Raises:
        Http404: They may not even inspect the thread.
        PermissionDenied: They may not do this.
    """
    viewer = viewer_of_request(request)
    rows = Interrupt.objects.select_related("tool_call", "run__thread", "answered_by")
    row = rows.filter(pk=pk).first()
    can = policy().can
    if viewer is None or row is None or not can(viewer, Action.INSPECT, row.run.thread):
        raise Http404
    if not can(viewer, action, row.run.thread):
        raise PermissionDenied
    return row, viewer
