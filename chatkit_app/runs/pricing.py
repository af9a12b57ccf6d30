"""What a step costs: by the site's own table, or by genai-prices where that is installed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from chatkit_app.conf import settings
from chatkit_app.models import Step

try:
    from genai_prices import Usage, calc_price

    has_package = True
except ImportError:  # an extra; without it only the table knows prices
    has_package = False

logger = logging.getLogger(__name__)

MILLION = 1_000_000
PLACES = Decimal("0.00000001")
LARGEST = Decimal(10) ** 6
"""More than a step's column holds: no such price is believed."""

_failed: set[str] = set()
"""Models whose price could not be told: said once."""


def price_of(step: Step) -> Decimal | None:
    """What the step's tokens cost, in the currency of the prices; None where no price is known."""
    try:
        found = _by_table(step) if _row(step.model_name) else _by_package(step)
    except Exception as error:
        if step.model_name not in _failed:
            _failed.add(step.model_name)
            logger.exception(
                "The price of %r can't be told: %s", step.model_name, error
            )
        return None
    if found is None or not found.is_finite() or not 0 <= found < LARGEST:
        return None
    return found.quantize(PLACES)


def _row(model_name: str) -> Mapping[str, Any] | None:
    """The model's row; a dated name (``gpt-5-mini-2025-08-07``) falls back to the one it begins with."""
    table = settings.PRICES
    if model_name in table:
        return table[model_name]
    known = [name for name in table if model_name.startswith(f"{name}-")]
    return table[max(known, key=len)] if known else None


def _by_table(step: Step) -> Decimal:
    row = _row(step.model_name) or {}
    fresh = max(0, step.input_tokens - step.cached_tokens)
    cost = fresh * money(row["input"])
    cost += step.cached_tokens * money(row.get("cached", row["input"]))
    cost += step.output_tokens * money(row["output"])
    return cost / MILLION


def money(value: object) -> Decimal:
    """An amount as a site writes it: a number, or the text of one.

    Raises:
        ValueError: It is none, or below 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(f"{value!r} is no amount.")
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no amount.") from error
    if not found.is_finite() or found < 0:
        raise ValueError(f"{value!r} is no amount.")
    return found


def _by_package(step: Step) -> Decimal | None:
    if not has_package or not step.model_name:
        return None
    used = Usage(
        input_tokens=step.input_tokens,
        cache_read_tokens=min(step.cached_tokens, step.input_tokens),
        output_tokens=step.output_tokens,
    )
    try:
        return calc_price(used, step.model_name).total_price
    except LookupError:  # a model that it does not know
        return None
