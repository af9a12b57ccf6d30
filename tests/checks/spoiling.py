"""What the tests of the checks share: how a site is declared, and what the checks say."""

from __future__ import annotations

from django.core.checks import CheckMessage, run_checks

from chatkit_app.checks.registration import TAG

SCRIPTED = "chatkit_app.providers.scripted.ScriptedProvider"
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "site.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "site"}


def ours() -> list[CheckMessage]:
    return run_checks(tags=[TAG])


def ids() -> list[str]:
    return [str(message.id) for message in ours()]


def ids_deployed() -> list[str]:
    """With those of ``manage.py check --deploy``."""
    return [
        str(message.id)
        for message in run_checks(tags=[TAG], include_deployment_checks=True)
    ]


def only() -> CheckMessage:
    """The one thing that is complained about."""
    (message,) = ours()
    return message
