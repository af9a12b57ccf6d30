from __future__ import annotations

import pytest

from chatkit_app.access import AccessPolicy, is_allowed_origin
from tests.checks.spoiling import ids, ids_deployed, only

HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


class MyPolicy(AccessPolicy):
    pass


class NoPolicy:
    pass


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{__name__}.MyPolicy", []),
        ("no.such.policy", ["chatkit.E005"]),
        (f"{__name__}.NoPolicy", ["chatkit.E005"]),
        (MyPolicy, ["chatkit.E005"]),
        (None, ["chatkit.E005"]),
    ],
)
def test_the_access_policy_is_the_path_of_a_policy(site, path, expected) -> None:
    site.CHATKIT_ACCESS_POLICY = path

    assert ids() == expected


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        ([], []),
        (["https://shop.example", "http://[::1]:8000"], []),
        (["https://*.shop.example"], []),
        ("https://shop.example", ["chatkit.E006"]),
        (["shop.example"], ["chatkit.E006"]),
        (["*"], ["chatkit.E006"]),
        (["null"], ["chatkit.E006"]),
        (["https://shop.example/chat"], ["chatkit.E006"]),
        ([None], ["chatkit.E006"]),
    ],
)
def test_origins_have_scheme_and_host_and_no_path(site, origins, expected) -> None:
    site.CHATKIT_ALLOWED_ORIGINS = origins

    assert ids() == expected


SETTINGS = ["CHATKIT_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS"]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    ("origin", "page", "expected"),
    [
        ("https://*.shop.example", "https://evil.example", []),
        ("https://*.com", "https://evil.com", ["chatkit.W030"]),
        ("https://*.", "https://evil.com.", ["chatkit.W030"]),
    ],
)
def test_a_star_that_lets_strangers_in_is_told_and_no_other(
    site, setting, origin, page, expected
) -> None:
    setattr(site, setting, [origin])

    assert ids() == expected
    assert may_enter(page) is bool(expected)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    "origin", ["https://*", "https://*:8443", "https://shop.*", "https://*shop.example"]
)
def test_a_star_that_lets_nobody_in_is_told(site, setting, origin) -> None:
    setattr(site, setting, [origin])

    assert ids() == ["chatkit.W029"]
    assert setting in only().msg
    assert not may_enter("https://evil.example")
    assert not may_enter(origin.replace("*", "my"))


def test_frames_without_an_origin_are_not_let_in_by_mistake(site) -> None:
    assert not may_enter("null")

    site.CSRF_TRUSTED_ORIGINS = ["null"]

    assert may_enter("null")
    assert ids() == ["chatkit.E028"]


def test_a_trusted_origin_without_a_scheme_is_left_to_djangos_check(site) -> None:
    site.CSRF_TRUSTED_ORIGINS = ["*.shop.example", "*"]

    assert not may_enter("https://evil.shop.example")
    assert ids() == []


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["shop.example"], []),
        ([".shop.example"], []),
        ([], []),
        (["*"], ["chatkit.W031"]),
        (["shop.example", "*"], ["chatkit.W031"]),
    ],
)
def test_the_site_knows_its_own_names(site, hosts, expected) -> None:
    site.ALLOWED_HOSTS = hosts

    assert ids() == expected
    assert may_enter("http://evil.example", host="evil.example") is bool(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"SESSION_COOKIE_SECURE": True}, ["chatkit.W032"]),
        ({"SECURE_SSL_REDIRECT": True}, ["chatkit.W032"]),
        ({"SECURE_SSL_REDIRECT": True, "SECURE_PROXY_SSL_HEADER": HEADER}, []),
        (
            {
                "SESSION_COOKIE_SECURE": True,
                "CSRF_TRUSTED_ORIGINS": ["https://shop.example"],
            },
            [],
        ),
        (
            {
                "SESSION_COOKIE_SECURE": True,
                "CHATKIT_ALLOWED_ORIGINS": ["http://intranet.example"],
            },
            ["chatkit.W032"],
        ),
    ],
)
def test_a_deployed_site_knows_that_its_proxy_speaks_https(
    site, given, expected
) -> None:
    for name, value in given.items():
        setattr(site, name, value)

    assert ids() == []
    assert ids_deployed() == expected


def test_without_that_header_a_proxy_closes_the_door(site) -> None:
    page = {"origin": "https://shop.example", "x-forwarded-proto": "https"}

    assert not may_enter(**page)

    site.SECURE_PROXY_SSL_HEADER = HEADER
    assert may_enter(**page)


def may_enter(origin: str, host: str = "shop.example", **headers: str) -> bool:
    given = {"origin": origin, "host": host, **headers}
    found = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in given.items()
    ]
    return is_allowed_origin({"type": "websocket", "scheme": "ws", "headers": found})
