"""What a planted fault is: a small change that breaks one promise, and the tests that must notice.

An anchor (``old``) stands exactly once in its file; ``test_mutants`` holds every change to that, so a
mutant can't rot. ``needs``: where only a database whose rows can be locked tells the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

MACHINE = "tests/properties/test_runs_machine.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One replacement in one file of the tree."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A broken promise. ``tests``: what is run to find it, as pytest's arguments."""

    name: str
    why: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    needs: str = ""


def change(file: str, old: str, new: str) -> Change:
    return Change(file=f"chatkit_app/{file}", old=old, new=new)
