"""The demo shop, seeded, below the settings of the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from chatkit_app.engine.tools import AnyJob, ServerTool, ToolContext
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

    def call(
        tool: ServerTool | AnyJob, user: User | None, **arguments: object
    ) -> object:
        return call_with(context_of(user), tool, **arguments)

    return call


def context_of(user: User | None, **more: Any) -> ToolContext:
    """The context of a new call; ``more`` are its fields."""
    viewer = Viewer(user=user, visitor=None if user else uuid4())
    ids = {"thread_id": uuid4(), "run_id": uuid4(), "tool_call_id": uuid4()}
    return ToolContext(**{"viewer": viewer, **ids, **more})


def call_with(
    context: ToolContext, tool: ServerTool | AnyJob, **arguments: object
) -> object:
    """Call the tool in this context; what it may ask, it may."""
    context = replace(context, questions=tool.definition.questions)
    value = tool.definition.input.validate_python(arguments)
    return tool.definition.dump_output(tool.call(context, value))
