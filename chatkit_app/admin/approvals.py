"""What waits for somebody: a list of it, and a page on which the staff decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.admin.answering import PROTOCOL, InterruptActs
from chatkit_app.admin.asked import Asked, may_decide, outcome_of, told
from chatkit_app.admin.content import hidden_fields, may_read, veiled
from chatkit_app.admin.decisions import DecisionForm
from chatkit_app.admin.rights import Rights
from chatkit_app.engine.states import InterruptKind, InterruptStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    AnswerDuplicate,
    AnswerInvalid,
    AnswerLate,
    ChatKitError,
    CommandConflict,
    InvalidCommand,
    NotAllowed,
)
from chatkit_app.models import Interrupt, Thread
from chatkit_app.runs import service
from chatkit_app.threads.accesses import note_reading

OPEN = Q(status=InterruptStatus.OPEN)
STAFFS = Q(kind=InterruptKind.APPROVAL) & ~Q(permission="")
VISITORS = Q(kind=InterruptKind.QUESTION) | Q(
    kind=InterruptKind.APPROVAL, permission=""
)
PAGES = Q(kind=InterruptKind.CLIENT_TOOL)


def mine(request: HttpRequest) -> Q:
    """The open approvals that whoever asks may decide on."""
    viewer = viewer_of_request(request)
    if viewer is None:
        return Q(pk__in=[])
    return Q(pk__in=policy().answerable(viewer).filter(STAFFS).values("pk"))


def of_tenant(request: HttpRequest) -> Exists:
    """What was asked in a thread of the reader's tenant; of others' they know nothing."""
    viewer = viewer_of_request(request)
    threads = policy().get_queryset(viewer) if viewer else Thread.objects.none()
    return Exists(threads.filter(pk=OuterRef("run__thread")))


def waiting_for(request: HttpRequest) -> int:
    """How many approvals wait for whoever asks."""
    return Interrupt.objects.filter(mine(request)).count()


class WaitingFilter(admin.SimpleListFilter):
    """For whom; what is closed is looked for, not shown by itself."""

    title = gettext_lazy("waiting for")
    parameter_name = "waits"

    def lookups(
        self, request: HttpRequest, model_admin: Any
    ) -> Sequence[tuple[str, str]]:
        """Each with how many there are, counted in one query."""
        self._conditions = {
            "me": mine(request),
            "staff": OPEN & STAFFS,
            "visitor": OPEN & VISITORS,
            "page": OPEN & PAGES,
            "nobody": ~OPEN & Q(run__copy_of=None),
        }
        names = {
            "me": _("me"),
            "staff": _("staff"),
            "visitor": _("visitors"),
            "page": _("pages"),
        }
        rows = model_admin.get_queryset(request)
        counts = rows.aggregate(
            **{
                name: Count("pk", filter=self._conditions[name], distinct=True)
                for name in names
            }
        )
        shown = [(name, f"{names[name]} ({counts[name]:,})") for name in names]
        return [*shown, ("nobody", _("nobody any more"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The first is everything that is open."""
        for number, choice in enumerate(super().choices(changelist)):
            yield choice if number else {**choice, "display": _("anybody")}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self._conditions.get(str(self.value()), OPEN))


@admin.register(Interrupt)
class InterruptAdmin(InterruptActs):
    """What was asked of the outside. The token of a claim is a key to it, and not shown."""

    list_display = ("tool", "waits_for", "since", "state", "of_thread")
    list_display_links = None
    list_filter = (WaitingFilter,)
    show_facets = admin.ShowFacets.NEVER  # the filter counts by itself, in one query
    list_select_related = ("tool_call", "run__thread__user", "answered_by")
    searched_ids = ("pk", "tool_call", "run", "run__thread")
    search_fields = ("tool_call__name",)
    search_help_text = gettext_lazy(
        "The name of a tool, or the id of a thread or a call."
    )
    unseen = ("claim_token",)

    @admin.display(description=gettext_lazy("tool"))
    def tool(self, row: Interrupt) -> SafeString:
        name = row.tool_call.name if row.tool_call else row.kind
        page = "decide" if row.kind == InterruptKind.APPROVAL else "change"
        return format_html(
            '<a href="{}"><code>{}</code></a>', self._page(page, row.pk), name
        )

    @admin.display(description=gettext_lazy("waits for"))
    def waits_for(self, row: Interrupt) -> str:
        return row.permission or Asked(row=row).waits_for

    @admin.display(description=gettext_lazy("asked on"), ordering="id")
    def since(self, row: Interrupt) -> Any:
        return row.created_at

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Interrupt) -> str:
        if row.status != InterruptStatus.OPEN or row.expires_at is None:
            return _by(outcome_of(row), row)
        until = date_format(localtime(row.expires_at), "SHORT_DATETIME_FORMAT")
        return _("until %(at)s") % {"at": until}

    @admin.display(description=gettext_lazy("thread"))
    def of_thread(self, row: Interrupt) -> SafeString:
        return self.link_to(row.run.thread)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """On the index for those who may see all, and for those for whom something waits."""
        return super().has_view_permission(request) or waiting_for(request) > 0

    def has_view_permission(
        self, request: HttpRequest, obj: Interrupt | None = None
    ) -> bool:
        """The list is everybody's of the staff: it holds what each may see."""
        return obj is None or super().has_view_permission(request, obj)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Whose thread it is about is for those who may open it."""
        may = request.user.has_perm("chatkit_app.view_thread")
        return self.list_display if may else self.list_display[:-1]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """All, to those who may view them; else what they may decide, or have decided."""
        rows: QuerySet[Any] = super().get_queryset(request)
        if super().has_view_permission(request):
            return rows.filter(of_tenant(request))
        return rows.filter(mine(request) | Q(answered_by=request.user.pk))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """In the staff's words."""
        title = {"title": _("Waiting for approval"), **(extra_context or {})}
        return super().changelist_view(request, title)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The row as it is; to who may not view it, the page that they may: the admin's log links here."""
        if super().has_view_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        try:
            return redirect(self._page("decide", UUID(object_id)))
        except ValueError as error:
            raise Http404 from error

    def get_urls(self) -> list[URLPattern]:
        """The page of a decision beside Django's own."""
        decide = self.admin_site.admin_view(self.decide)
        name = "chatkit_app_interrupt_decide"
        return [path("<uuid:pk>/decide/", decide, name=name), *super().get_urls()]

    def decide(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        """Show an approval to those who may see it, and take the decision of those who may decide."""
        row = get_object_or_404(
            Interrupt.objects.select_related("tool_call", "run__thread", "answered_by"),
            pk=pk,
            kind=InterruptKind.APPROVAL,
        )
        viewer = viewer_of_request(request)
        may = viewer is not None and may_decide(viewer, row)
        if request.method == "POST":
            if viewer is None or not may:
                raise PermissionDenied
            return self._decide(request, viewer, row)
        if not may and not super().has_view_permission(request, row):
            raise PermissionDenied
        return self._show(request, row, DecisionForm(row))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """What was asked and said is for those who may read it."""
        thread = obj.run.thread if obj is not None else None
        hidden = hidden_fields(request, Interrupt, thread)
        if thread is not None and not hidden:
            note_reading(request.user, thread.pk)
        return [
            field
            for field in super().get_fields(request, obj)
            if getattr(field, "__name__", field) not in hidden
        ]

    def _decide(
        self, request: HttpRequest, viewer: Viewer, row: Interrupt
    ) -> HttpResponseBase:
        form = DecisionForm(row, request.POST)
        if not form.is_valid():
            return self._show(request, row, form)
        try:
            service.handle(viewer, form.command(), protocol=PROTOCOL)
        except (AnswerInvalid, InvalidCommand) as error:
            form.refuse(error)
            return self._show(request, row, form)
        except NotAllowed as error:
            raise PermissionDenied from error
        except (AnswerDuplicate, AnswerLate, CommandConflict):
            self._say_too_late(request, row)
        except ChatKitError as error:
            messages.error(request, str(error))
        else:
            self._say_done(request, row)
        return redirect(self._after(request, row))

    def _say_done(self, request: HttpRequest, row: Interrupt) -> None:
        is_again = row.status == InterruptStatus.ANSWERED
        row.refresh_from_db()
        name = row.tool_call.name if row.tool_call else ""
        told = {"tool": name, "outcome": outcome_of(row)}
        messages.success(request, _("Decided: %(tool)s, %(outcome)s.") % told)
        if not is_again:
            # No arguments, no reason: who reads the log may be anybody of the staff.
            self.log_change(request, row, f"{row.decision} {name}")

    def _say_too_late(self, request: HttpRequest, row: Interrupt) -> None:
        row.refresh_from_db()
        if row.status == InterruptStatus.ANSWERED:
            by = _by(outcome_of(row), row)
            text = _("This was decided before: %(outcome)s.") % {"outcome": by}
        else:
            text = _("It is too late: nobody waits for an answer any more.")
        messages.warning(request, text)

    def _after(self, request: HttpRequest, row: Interrupt) -> str:
        """Back to the thread, if they came from there; else the decision as it stands."""
        name = f"{self.admin_site.name}:chatkit_app_thread_change"
        if "from_thread" in request.POST:
            return reverse(name, args=[row.run.thread_id])
        return self._page("decide", row.pk)

    def _show(
        self, request: HttpRequest, row: Interrupt, form: DecisionForm
    ) -> HttpResponseBase:
        viewer = viewer_of_request(request)
        [asked] = told([row], viewer)
        is_shown = self._opened(request, asked)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Approval of %(tool)s") % {"tool": asked.name},
            "opts": self.opts,
            "asked": asked,
            "may_read": is_shown,
            "may": Rights(request, row.run.thread),
            "form": form,
            "thread": row.run.thread,
            "may_open_thread": request.user.has_perm("chatkit_app.view_thread"),
            "media": self.media,
        }
        return TemplateResponse(
            request, "chatkit_app/admin/approval_page.html", context
        )

    def _opened(self, request: HttpRequest, asked: Asked) -> bool:
        """May they read what it is about? Whoever is asked, or was, may."""
        thread = asked.row.run.thread
        is_theirs = asked.may_decide or asked.row.answered_by_id == request.user.pk
        if not is_theirs and not may_read(request, thread):
            veiled([asked.row, asked.row.tool_call])
            return False
        note_reading(request.user, thread.pk)
        return True

    def _page(self, page: str, pk: UUID) -> str:
        name = f"{self.admin_site.name}:chatkit_app_interrupt_{page}"
        return reverse(name, args=[pk])


def _by(outcome: str, row: Interrupt) -> str:
    """What was decided, and by whom."""
    if row.answered_by is None:
        return outcome
    return _("%(outcome)s by %(name)s") % {"outcome": outcome, "name": row.answered_by}
