"""Who asks the API in tests: a user, another one, a visitor, nobody; with CSRF as browsers have it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.test import Client

from chatkit_app.access import VISITOR_KEY

API = "/chatkit/api/"
THREADS = f"{API}threads/"


def make_user(name: str) -> Any:
    return get_user_model().objects.create_user(name, password=name)


def client_of(owner: object, **options: Any) -> Client:
    """A browser of a user's, or of the visitor whom a UUID names."""
    client = Client(**options)
    if isinstance(owner, UUID):
        session = client.session
        session[VISITOR_KEY] = str(owner)
        session.save()
        client.cookies["sessionid"] = session.session_key or ""
    else:
        client.force_login(owner)  # type: ignore[arg-type]  # the test's own user
    return client


def ask(client: Client, method: str, path: str, body: object = None) -> Any:
    """One request below the API's root, or at an address, with a body of JSON."""
    address = path if path.startswith(("/", "http")) else API + path
    data = "" if body is None else json.dumps(body)
    call = getattr(client, method)
    return call(address, data, content_type="application/json")


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


def walk(client: Client, url: str | None, direction: str) -> list[str]:
    """The ids of all pages from here on, in the order of the list."""
    found: list[str] = []
    while url:
        body = client.get(url).json()
        rows = [row["id"] for row in body["results"]]
        found = found + rows if direction == "next" else rows + found
        url = body[direction]
    return found
