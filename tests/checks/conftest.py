"""A site that is set up as the documentation says, to be spoilt by a test."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings
from django.db.utils import ConnectionHandler

from chatkit_app.checks import assistants, database, processes, questions, tools
from chatkit_app.registry import Registry
from tests.checks.spoiling import SCRIPTED, SQLITE


@pytest.fixture
def site(settings, monkeypatch):
    for name in dir(django_settings):
        if name.startswith("CHATKIT_"):
            delattr(settings, name)
    for name in (*processes.COUNTS, processes.GUNICORN):
        monkeypatch.delenv(name, raising=False)
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": SCRIPTED, "OPTIONS": {"rule": "a.rule"}}
    }
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    }
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.ASGI_APPLICATION = "site.asgi.application"
    settings.REST_FRAMEWORK = {}
    registry = Registry()
    for module in (assistants, questions, tools):
        monkeypatch.setattr(module, "assistants", registry)
    use_database(monkeypatch, SQLITE)
    return settings


@pytest.fixture
def use(monkeypatch):
    """Declare the site's database."""
    return lambda declared: use_database(monkeypatch, declared)


def use_database(monkeypatch, declared: dict[str, object]) -> None:
    """Django's own connections can't be declared anew once they are open."""
    handler = ConnectionHandler({"default": declared})
    monkeypatch.setattr(database, "connections", handler)
