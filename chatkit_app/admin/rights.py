"""What a member of the staff may do in a thread, asked of the policy as a page comes to it."""

from __future__ import annotations

from functools import cached_property

from django.http import HttpRequest

from chatkit_app.access import Action, policy, viewer_of_request
from chatkit_app.admin.content import may_read
from chatkit_app.models import Thread


class Rights:
    """For templates: ``may.cancel`` and so on; what a page does not ask costs nothing."""

    def __init__(self, request: HttpRequest, thread: Thread) -> None:
        self._request = request
        self._thread = thread

    def _can(self, action: Action) -> bool:
        viewer = viewer_of_request(self._request)
        return viewer is not None and policy().can(viewer, action, self._thread)

    def _has(self, permission: str) -> bool:
        return bool(self._request.user.has_perm(f"chatkit_app.{permission}"))

    @cached_property
    def read(self) -> bool:
        """What was said."""
        return may_read(self._request, self._thread)

    @cached_property
    def answer(self) -> bool:
        """What the owner is asked."""
        return self._can(Action.ANSWER)

    @cached_property
    def expire(self) -> bool:
        """What nobody shall answer any more."""
        return self._can(Action.EXPIRE)

    @cached_property
    def cancel(self) -> bool:
        """A run."""
        return self._can(Action.CANCEL)

    @cached_property
    def retry(self) -> bool:
        """The newest answer, if it has failed."""
        return self._can(Action.RETRY)

    @cached_property
    def reply(self) -> bool:
        """As a person."""
        return self._can(Action.REPLY)

    @cached_property
    def export(self) -> bool:
        """Take the thread along, which is reading it."""
        return self._can(Action.EXPORT_ANY) and self.read

    @cached_property
    def erase(self) -> bool:
        """For good."""
        return self._can(Action.ERASE)

    @cached_property
    def open_runs(self) -> bool:
        """The runs' own pages."""
        return self._has("view_run")

    @cached_property
    def open_calls(self) -> bool:
        """The calls' own pages."""
        return self._has("view_toolcall")

    @cached_property
    def open_events(self) -> bool:
        """The log."""
        return self._has("view_event") and self.read
