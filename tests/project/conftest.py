"""The demo shop, seeded, below the settings of the tests."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from chatkit_app.engine.tools import ServerTool, ToolContext
from chatkit_app.engine.viewer import Viewer
from project import settings as demo_settings
from project.shop.seed import seed

Run = Callable[..., object]


@pytest.fixture
def shop(db: None, settings: Settings) -> None:
    """The shop's pages are served, and its tables filled."""
    settings.ROOT_URLCONF = demo_settings.ROOT_URLCONF
    settings.TEMPLATES = demo_settings.TEMPLATES
    settings.MIDDLEWARE = demo_settings.MIDDLEWARE
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": "project.shop.rules.make_provider"}
    }
    settings.LOGIN_URL = demo_settings.LOGIN_URL
    settings.LOGIN_REDIRECT_URL = demo_settings.LOGIN_REDIRECT_URL
    seed()


@pytest.fixture
def ada(shop: None) -> User:
    return User.objects.get(username="ada")


@pytest.fixture
def customer(ada: User) -> Client:
    """A browser of somebody who has logged in."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def run(shop: None) -> Run:
    """Call a server tool as the engine does: ``run(tool, user, **arguments)``."""

    def call(tool: ServerTool, user: User | None, **arguments: object) -> object:
        viewer = Viewer(user=user, visitor=None if user else uuid4())
        context = ToolContext(
            viewer=viewer, thread_id=uuid4(), run_id=uuid4(), tool_call_id=uuid4()
        )
        value = tool.definition.input.validate_python(arguments)
        return tool.definition.dump_output(tool.call(context, value))

    return call
