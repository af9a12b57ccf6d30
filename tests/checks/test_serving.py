from __future__ import annotations

import gzip
import zlib

import pytest
from django.http import StreamingHttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test import RequestFactory
from django.utils import text
from django.utils.module_loading import import_string
from rest_framework.authentication import SessionAuthentication

from chatkit_app.checks.serving import GZIP, SESSIONS, USERS
from tests.checks.spoiling import ids, only
from tests.history_rows import make_thread

KEEPS_STREAMS_WHOLE = hasattr(text, "acompress_sequence")


class MySessions(SessionAuthentication):
    pass


class MyUsers(import_string(USERS)):
    pass


def test_a_request_needs_a_session(site) -> None:
    site.MIDDLEWARE = [USERS]

    assert ids() == ["chatkit.E018"]


def test_a_request_needs_a_user(site) -> None:
    site.MIDDLEWARE = [SESSIONS]

    assert ids() == ["chatkit.E019"]


def test_a_middleware_that_a_site_derived_serves_as_well(site) -> None:
    site.MIDDLEWARE = [SESSIONS, f"{__name__}.MyUsers", "chatkit_app.no_such"]

    assert ids() == []


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (["rest_framework.authentication.BasicAuthentication"], ["chatkit.W020"]),
        ([], ["chatkit.W020"]),
        ([f"{__name__}.MySessions"], []),
    ],
)
def test_the_history_knows_users_by_their_session(site, classes, expected) -> None:
    site.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}

    assert ids() == expected


def test_times_must_be_aware(site) -> None:
    site.USE_TZ = False

    assert ids() == ["chatkit.E023"]


def test_somebody_must_speak_websocket(site) -> None:
    site.ASGI_APPLICATION = None
    site.WSGI_APPLICATION = None

    assert ids() == ["chatkit.W024"]
    assert "WSGI" not in only().msg


def test_a_wsgi_deployment_is_told_that_it_is_one(site) -> None:
    site.ASGI_APPLICATION = None
    site.WSGI_APPLICATION = "site.wsgi.application"

    assert ids() == ["chatkit.W024"]
    assert "site.wsgi.application" in only().msg


def test_a_site_that_has_both_is_served_by_the_right_one(site) -> None:
    site.WSGI_APPLICATION = "site.wsgi.application"

    assert ids() == []


@pytest.mark.parametrize("has_pieces", [True, False])
def test_gzip_is_told_what_it_harms(site, monkeypatch, has_pieces) -> None:
    if has_pieces:
        monkeypatch.delattr(text, "acompress_sequence", raising=False)
    else:
        monkeypatch.setattr(text, "acompress_sequence", None, raising=False)
    site.MIDDLEWARE = [*site.MIDDLEWARE, GZIP]

    expected = ["chatkit.W037"] if has_pieces else []
    assert ids() == [*expected, "chatkit.W038"]


def browsers_see(body: bytes) -> bytes:
    """As Chromium reads gzip: the first member, and nothing behind it."""
    return zlib.decompressobj(wbits=31).decompress(body)


async def test_what_is_said_of_gzip_and_streams_is_true_of_this_django() -> None:
    async def pieces():
        for number in range(3):
            yield f"data: {number}\n\n".encode()

    request = RequestFactory().get("/", headers={"accept-encoding": "gzip"})
    response = await GZipMiddleware(as_view(pieces))(request)
    body = b"".join([piece async for piece in response])

    whole = b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert gzip.decompress(body) == whole
    assert browsers_see(body) == (whole if KEEPS_STREAMS_WHOLE else b"data: 0\n\n")


def as_view(pieces):
    async def view(request):
        return StreamingHttpResponse(pieces(), content_type="text/event-stream")

    return view


@pytest.mark.django_db
def test_what_is_said_of_the_history_is_true(client, django_user_model) -> None:
    """Its links repeat the query, which is what BREACH needs beside the private text."""
    user = django_user_model.objects.create_user("anna")
    client.force_login(user)
    for _ in range(2):
        make_thread(user, title="My secret")

    found = client.get("/chatkit/api/threads/", {"page_size": 1, "search": "secret"})

    assert "search=secret" in found.json()["next"]
