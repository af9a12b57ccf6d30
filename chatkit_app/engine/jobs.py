"""Tools whose work outlives the run's process: it is handed over, and the call waits for it.

Either to a queue of the site's (``definition.job(enqueue)``), or to whatever process of ours looks
for such work (``@tool(background=True)``, ``definition.background(function)``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from typing_extensions import TypeVar

from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.states import Effect, Executor

JOB_DEADLINE = 3600.0
"""Seconds that a job has, unless the tool says otherwise."""


class Defined(Protocol):
    """What a job needs to know of its definition."""

    @property
    def name(self) -> str:
        """The tool's."""

    @property
    def declared_effect(self) -> Effect | None:
        """What a repetition would do, if the tool says so."""

    @property
    def declared_deadline(self) -> float | None:
        """Seconds, if the tool says so."""

    @property
    def questions(self) -> tuple[type, ...]:
        """What it may ask."""


Definition = TypeVar("Definition", bound=Defined)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTool(Generic[Definition]):
    """A definition and a function ``call(context, input)``.

    ``is_ours``: the function is the work itself, and a process of ours does it. Else it hands the
    work over to a queue of the site's, within the run; it may be called again for the same call,
    when the run's process dies in the middle. ``is_async``: it may be called on the event loop.
    """

    definition: Definition
    call: Callable[[ToolContext, Any], object]
    is_async: bool
    is_ours: bool

    executor = Executor.JOB

    def __post_init__(self) -> None:
        if self.definition.questions:
            raise ValueError(
                f"{self.name}: a job outlives its run and can't ask in the middle of its work."
                " Let the tool need approval, or ask in a tool of its own."
            )

    @property
    def effect(self) -> Effect:
        """What a repetition does: as declared, else it must not be."""
        return self.definition.declared_effect or Effect.ONCE

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    @property
    def deadline(self) -> float:
        """Seconds from the moment at which the call waits for the job."""
        declared = self.definition.declared_deadline
        return JOB_DEADLINE if declared is None else declared


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What comes of a call whose work somebody else does: it waits."""
