"""Which checks there are, and when Django runs them."""

from __future__ import annotations

from django.core import checks

from chatkit_app.checks.access import (
    check_hosts,
    check_origins,
    check_policy,
    check_scheme,
)
from chatkit_app.checks.assistants import check_assistants
from chatkit_app.checks.budgets import check_budgets, check_prices, check_redactor
from chatkit_app.checks.database import (
    check_connections,
    check_database,
    check_durability,
)
from chatkit_app.checks.files import check_place, check_privacy, check_types
from chatkit_app.checks.processes import check_layer, check_runner
from chatkit_app.checks.providers import check_providers
from chatkit_app.checks.questions import check_questions
from chatkit_app.checks.serving import (
    check_asgi,
    check_gzip,
    check_history,
    check_middleware,
    check_times,
)
from chatkit_app.checks.tools import check_strictness, check_tools
from chatkit_app.checks.values import (
    check_leases,
    check_names,
    check_numbers,
    check_rates,
    check_retention,
    check_sizes,
    check_words,
)

TAG = "chatkit"

ALWAYS = (
    check_providers,
    check_policy,
    check_origins,
    check_hosts,
    check_numbers,
    check_rates,
    check_words,
    check_names,
    check_leases,
    check_sizes,
    check_retention,
    check_assistants,
    check_tools,
    check_questions,
    check_database,
    check_connections,
    check_durability,
    check_runner,
    check_layer,
    check_times,
    check_asgi,
    check_middleware,
    check_history,
    check_gzip,
    check_budgets,
    check_prices,
    check_redactor,
    check_types,
    check_place,
)
DEPLOYED = (check_scheme, check_strictness, check_privacy)
"""On a developer's machine these would be wrong more often than right, or said too often."""


def register() -> None:
    """Make the checks known to Django; ``manage.py check --tag chatkit`` runs them alone."""
    for check in ALWAYS:
        checks.register(check, TAG)
    for check in DEPLOYED:
        checks.register(check, TAG, deploy=True)
