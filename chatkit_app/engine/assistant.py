"""An assistant: instructions, tools, provider and limits, declared by the site in ``assistants.py``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from chatkit_app.engine.tools import NAME, Tool
from chatkit_app.engine.viewer import Viewer

Page = Mapping[str, JsonValue]
"""What the page told of itself with the message: untrusted."""

Instructions = str | Callable[[Viewer, Page], str | Awaitable[str]]
Tools = (
    Sequence[Tool]
    | Callable[[Viewer, Page], Sequence[Tool] | Awaitable[Sequence[Tool]]]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """What a site declares and registers.

    ``instructions`` and ``tools`` may be functions of the viewer and the page, sync (they may use
    the ORM) or async. ``provider`` is an alias in ``CHATKIT_PROVIDERS``; without a ``model_name``
    the provider's own default serves. ``options`` go into the provider's request as they stand.
    ``history_tokens`` bounds what is sent of the thread: whole oldest turns are left out.
    """

    name: str
    instructions: Instructions = ""
    tools: Tools = ()
    provider: str = "default"
    model_name: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    max_steps: int = 20
    history_tokens: int = 100_000
    title: str = ""
    greeting: str = ""
    placeholder: str = ""
    suggestions: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not NAME.match(self.name):
            raise ValueError(
                f"{self.name!r} is no name for an assistant: letters, digits, _ and -."
            )
