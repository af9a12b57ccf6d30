"""The OpenAPI document: valid, without warnings, and true."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.urls import get_resolver

from chatkit_app.api.operations import CODES
from chatkit_app.api.schema import ChatKitSchema
from tests.api.people import API

SCHEMA = f"{API}schema/?format=json"


@pytest.fixture
def document(client):
    return client.get(SCHEMA).json()


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_the_sites_document_is_valid_and_nothing_is_warned_of(
    tmp_path, version, monkeypatch
) -> None:
    from drf_spectacular.settings import spectacular_settings

    monkeypatch.setattr(spectacular_settings, "OAS_VERSION", version, raising=False)

    call_command(
        "spectacular",
        validate=True,
        fail_on_warn=True,
        file=str(tmp_path / "schema.yml"),
    )


def test_our_own_document_is_of_our_addresses_alone(document) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"].startswith("1")
    assert all(path.startswith(API) for path in document["paths"])


def test_every_address_and_method_of_the_api_is_in_it(document) -> None:
    said = {
        (path, method)
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }

    assert said == set(routes())


def routes():
    """What the site answers below the API, as the document would have it."""
    for prefix, pattern in patterns(get_resolver().url_patterns, "/"):
        view = getattr(pattern.callback, "view_class", None)
        schema = getattr(view, "schema", None)
        if not isinstance(schema, ChatKitSchema) or "<path:" in prefix:
            continue
        path = prefix.replace("<str:", "{").replace(">", "}")
        for method in view.http_method_names:
            if method not in ("head", "options"):
                yield path, method


def patterns(found, prefix):
    for pattern in found:
        here = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from patterns(pattern.url_patterns, here)
        else:
            yield here, pattern


def test_every_error_has_its_shape(document) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorJson"}
                    assert answer["description"] == CODES[int(status)]


def test_names_of_operations_are_used_once(document) -> None:
    names = [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
    ]

    assert len(names) == len(set(names))


def test_the_contracts_version_stands_on_every_answer(client, db) -> None:
    for path in ("threads/", "threads/x/", "nowhere/", "runs/"):
        assert client.get(API + path)["X-ChatKit-API"] == "1"
