"""Two users with a browser each: what the one has, the other must not meet."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.people import client_of, make_user
from tests.runs.conftest import recorded as recorded


@pytest.fixture
def anna(db):
    return make_user("anna")


@pytest.fixture
def berta(db):
    return make_user("berta")


@pytest.fixture
def page(anna) -> Client:
    """A page of anna's."""
    return client_of(anna)
