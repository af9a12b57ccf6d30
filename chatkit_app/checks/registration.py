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
from chatkit_app.checks.database import (
    check_connections,
    check_database,
    check_durability,
)
from chatkit_app.checks.processes import check_layer, check_runner
from chatkit_app.checks.providers import check_providers
from chatkit_app.checks.serving import (
    check_asgi,
    check_gzip,
    check_history,
    check_middleware,
    check_times,
)
from chatkit_app.checks.values import (
    check_leases,
    check_names,
    check_numbers,
    check_words,
)

TAG = "chatkit"

ALWAYS = (
    check_providers,
    check_policy,
    check_origins,
    check_hosts,
    check_numbers,
    check_words,
    check_names,
    check_leases,
    check_assistants,
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
)
DEPLOYED = (check_scheme,)
"""On a developer's machine these would be wrong more often than right."""


def register() -> None:
    """Make the checks known to Django; ``manage.py check --tag chatkit`` runs them alone."""
    for check in ALWAYS:
        checks.register(check, TAG)
    for check in DEPLOYED:
        checks.register(check, TAG, deploy=True)
