"""What a tool's ``needs_approval`` may say of a call: go on, not at all, or ask somebody first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may run."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The call must not run; the model reads the reason."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody has to approve the call first; ``message`` tells them what it is about."""

    message: str = ""


Verdict = Allow | Deny | Ask


def verdict_of(said: object) -> Verdict:
    """What a function has said; True asks, False allows.

    Raises:
        TypeError: It is none of these: better no answer than a wrong one.
    """
    match said:
        case Allow():
            return said
        case Deny():  # words may be lazy ones
            return Deny(str(said.reason or ""))
        case Ask():
            return Ask(str(said.message or ""))
    if isinstance(said, bool):
        return Ask() if said else Allow()
    raise TypeError(
        f"needs_approval must give a bool, Allow, Deny or Ask, not {type(said).__name__}."
    )
