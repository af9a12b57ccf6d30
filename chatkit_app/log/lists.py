"""Bells: an owner's list of threads, and a tenant's approvals; whose a thread is, and how a list stands.

How it stands is told in few numbers, which any change that a list shows makes others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from django.db.models import Count, Max, Min, Sum

from chatkit_app.engine import events
from chatkit_app.engine.states import Approver, InterruptKind, InterruptStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Interrupt, Thread

Standing = tuple[object, ...]
"""A list's numbers: worth something only in comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """Without an ``owner`` it is rung for what waits for the tenant's staff."""

    tenant: str
    owner: str = ""

    @property
    def group(self) -> str:
        """What the channel layer calls it: names of its own, of which every character is allowed."""
        kind = "owner" if self.owner else "approvals"
        name = sha256(f"{self.tenant}\0{self.owner}".encode()).hexdigest()
        return f"chatkit.{kind}.{name[:32]}"


LISTED = (events.MessageCreated, events.RunChanged, events.ThreadChanged)
"""What changes what a list of threads shows."""


def is_listed(told: Sequence[events.AnyEvent]) -> bool:
    """Does a list show any of this? They count in the thread's ``revision``."""
    return any(isinstance(event, LISTED) for event in told)


def is_of_approvals(told: Sequence[events.AnyEvent]) -> bool:
    """Does somebody wait for an approval since, or no more?"""
    return any(map(_is_of_approval, told))


def _is_of_approval(event: events.AnyEvent) -> bool:
    match event:
        case events.ToolCallChanged():
            by = event.approval.by if event.approval else None
            return bool(event.permission) or by is Approver.STAFF
        case events.ToolCallEnded():
            # Of one that nobody has answered the event does not say who was asked.
            return (
                event.approval is not None and event.approval.by is not Approver.VISITOR
            )
        case _:
            return False


def list_of(viewer: Viewer) -> Bell:
    """The bell of the viewer's own threads."""
    return Bell(tenant=viewer.tenant, owner=viewer.key)


def approvals_of(viewer: Viewer) -> Bell:
    """The bell of what waits for somebody who may decide on it, in the viewer's tenant."""
    return Bell(tenant=viewer.tenant)


def bells_of(threads: Mapping[UUID, bool]) -> set[Bell]:
    """The bells of these threads' owners as they are now; True: that of its approvals as well."""
    rows = Thread.objects.filter(pk__in=list(threads))
    found = set()
    for thread, tenant, owner in rows.values_list("pk", "tenant", "owner_key"):
        found.add(Bell(tenant=tenant, owner=owner))
        if threads[thread]:
            found.add(Bell(tenant=tenant))
    return found


def standings(bells: Collection[Bell]) -> dict[Bell, Standing]:
    """How these lists stand; a query for all the owners of a tenant, and one for all approvals."""
    found: dict[Bell, Standing] = dict.fromkeys(bells, ())
    owners = defaultdict(list)
    for bell in bells:
        if bell.owner:
            owners[bell.tenant].append(bell.owner)
    for tenant, keys in owners.items():
        found.update(_threads(tenant, keys))
    if tenants := [bell.tenant for bell in bells if not bell.owner]:
        found.update(_approvals(tenants))
    return found


def _threads(tenant: str, owners: list[str]) -> dict[Bell, Standing]:
    rows = Thread.objects.filter(tenant=tenant, owner_key__in=owners).order_by()
    told = rows.values_list("owner_key").annotate(
        threads=Count("pk"), revisions=Sum("revision"), newest=Max("created_at")
    )
    return {Bell(tenant=tenant, owner=owner): tuple(rest) for owner, *rest in told}


def _approvals(tenants: list[str]) -> dict[Bell, Standing]:
    waiting = Interrupt.objects.filter(
        status=InterruptStatus.OPEN,
        kind=InterruptKind.APPROVAL,
        run__thread__tenant__in=tenants,
    ).exclude(permission="")
    told = waiting.order_by().values_list("run__thread__tenant")
    at = "created_at"
    told = told.annotate(waiting=Count("pk"), first=Min(at), last=Max(at))
    return {Bell(tenant=row[0]): row[1:] for row in told}
