"""Do the settings about money and about what is kept mean something?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from chatkit_app.checks.importing import imported
from chatkit_app.registry import assistants
from chatkit_app.runs.declared_budgets import read_budget
from chatkit_app.runs.pricing import money

PRICES = ("input", "cached", "output")
HINT = "docs/budgets.md shows how one is written."


def check_budgets(**_: Any) -> Iterator[CheckMessage]:
    """Each budget can be read, and names an assistant that exists."""
    declared = getattr(django_settings, "CHATKIT_BUDGETS", [])
    if not isinstance(declared, list | tuple):
        yield Error("CHATKIT_BUDGETS is no list.", hint=HINT, id="chatkit.E060")
        return
    for place, one in enumerate(declared):
        try:
            budget = read_budget(one)
        except ValueError as error:
            yield Error(
                f"CHATKIT_BUDGETS[{place}]: {error}.", hint=HINT, id="chatkit.E061"
            )
        else:
            if budget.assistant and budget.assistant not in assistants.names():
                yield Caution(
                    f"CHATKIT_BUDGETS[{place}]: no assistant is called"
                    f" {budget.assistant!r}.",
                    hint="As it stands it limits nobody.",
                    id="chatkit.W062",
                )


def check_prices(**_: Any) -> Iterator[CheckMessage]:
    """Each model has a price for what goes in and what comes out."""
    table = getattr(django_settings, "CHATKIT_PRICES", {})
    if not isinstance(table, Mapping):
        yield Error("CHATKIT_PRICES is no dict.", hint=HINT, id="chatkit.E063")
        return
    for model, row in table.items():
        if fault := _fault(row):
            yield Error(
                f"CHATKIT_PRICES[{model!r}]: {fault}", hint=HINT, id="chatkit.E064"
            )


def _fault(row: object) -> str:
    """What is wrong with a model's prices; empty where nothing is."""
    if not isinstance(row, Mapping):
        return "it is no dict."
    if unknown := sorted(map(str, set(row) - set(PRICES))):
        return f"it has {', '.join(unknown)}, which is no price."
    for name in PRICES:
        if name not in row and name != "cached":
            return f"{name!r} is missing."
        try:
            money(row.get(name, 0))
        except ValueError as error:
            return f"{name!r}: {error}"
    return ""


def check_redactor(**_: Any) -> Iterator[CheckMessage]:
    """The redactor can be made, and is one."""
    path = getattr(django_settings, "CHATKIT_REDACTOR", "")
    if path == "":
        return
    make = imported(path)
    fault = "can't be imported"
    if make is not None:
        fault = _fault_of_redactor(make)
    if fault:
        yield Error(
            f"CHATKIT_REDACTOR is {path!r}, which {fault}.",
            hint="docs/redaction.md tells what it has to be.",
            id="chatkit.E065",
        )


def _fault_of_redactor(make: Any) -> str:
    """What is wrong with it (Any: the site's); empty where nothing is."""
    try:
        made = make()
        said = made.feed("x") + made.close()
    except Exception as error:  # noqa: BLE001 (the site's code, asked before a visitor meets it)
        return f"fails: {type(error).__name__}"
    return "" if isinstance(said, str) else "gives no text"
