"""An assistant: instructions, tools, provider and limits, declared by the site in ``assistants.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chatkit_app.engine.files import is_one_of
from chatkit_app.engine.limits import TOLD_BYTES, Limits
from chatkit_app.engine.tools import NAME, Tool
from chatkit_app.engine.viewer import Viewer

Page = Any
"""What the page told of itself: an instance of the assistant's ``page``, or None. Untrusted.

Any, so that a site's functions may name their own model: ``page: ShopPage | None``.
"""

Instructions = str | Callable[[Viewer, Page], str | Awaitable[str]]
Tools = (
    Sequence[Tool]
    | Callable[[Viewer, Page], Sequence[Tool] | Awaitable[Sequence[Tool]]]
)
Dependencies = Callable[[Viewer, Page], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Titles:
    """Who writes the titles of an assistant's threads: its own provider and model, or a cheaper one."""

    provider: str = ""
    model_name: str = ""
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """What a site declares and registers.

    ``instructions`` and ``tools`` may be functions of the viewer and the page, sync (they may use
    the ORM) or async. ``provider`` is an alias in ``CHATKIT_PROVIDERS``; without a ``model_name``
    the provider's own default serves. ``options`` go into the provider's request as they stand.
    ``history_tokens`` bounds what is sent of the thread: whole oldest turns are left out.

    ``all_tools`` is needed where ``tools`` is a function: everything that it may give, a hybrid as its
    definition where a page may run it. It offers nothing; system checks and ``chatkit_types`` read it.

    ``page`` is the Pydantic model of what a page may tell of itself. ``dependencies`` makes what the
    tools get as ``context.dependencies``. With ``page_tools`` a page may declare client tools itself.

    ``attachments``: whether visitors may send files along: all types that the site takes, or those that
    are named (``["image/png", "application/pdf"]``; ``"image/*"`` means all of a kind).

    ``titles``: whether the model writes a thread's title after its first answer, or which one
    (``Titles``); None: as ``CHATKIT_TITLES`` says.

    A run that passes ``max_steps``, ``max_calls``, ``max_tokens`` or ``max_seconds`` fails; None is
    no limit. ``max_output_bytes`` is what the model is told of an output.
    """

    name: str
    instructions: Instructions = ""
    tools: Tools = ()
    all_tools: Sequence[Tool] = ()
    page: type[BaseModel] | None = None
    dependencies: Dependencies | None = None
    page_tools: bool = False
    attachments: bool | Sequence[str] = False
    provider: str = "default"
    model_name: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    max_steps: int = 20
    max_calls: int | None = None
    max_tokens: int | None = None
    max_seconds: float | None = None
    max_output_bytes: int = TOLD_BYTES
    history_tokens: int = 100_000
    supersede_approvals: bool = False
    titles: bool | Titles | None = None
    title: str = ""
    greeting: str = ""
    placeholder: str = ""
    suggestions: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not NAME.match(self.name):
            raise ValueError(
                f"{self.name!r} is no name for an assistant: letters, digits, _ and -."
            )

    @property
    def known_tools(self) -> Sequence[Tool] | None:
        """All tools that it may have; None where only its function knows them."""
        if not callable(self.tools):
            return [*self.tools, *self.all_tools]
        return self.all_tools or None

    def takes(self, media_type: str) -> bool:
        """May a visitor send it a file of this type?"""
        if isinstance(self.attachments, bool):
            return self.attachments
        return is_one_of(media_type, self.attachments)

    @property
    def limits(self) -> Limits:
        """What one run may use up, but for its steps."""
        return Limits(
            calls=self.max_calls,
            tokens=self.max_tokens,
            seconds=self.max_seconds,
            output_bytes=self.max_output_bytes,
        )
