from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.test import RequestFactory
from django.utils import timezone, translation

from chatkit_app.access import (
    VISITOR_KEY,
    AccessPolicy,
    is_allowed_origin,
    make_visitor,
    policy,
    viewer_now,
    viewer_of,
    viewer_of_request,
    visitor_of,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Thread
from tests.approvals import PERMISSION, ask_staff, make_staff
from tests.history_rows import make_thread

VISITOR = UUID(int=9)
NO_VISITORS = ["", "v", "{}", "0" * 31, 7, True, ["a"], {"a": 1}, None, 1.5]


class OwnPolicy(AccessPolicy):
    pass


# Who is at the door


def session_of(visitor: object) -> SessionStore:
    session = SessionStore()
    session[VISITOR_KEY] = visitor
    return session


def user(**fields) -> SimpleNamespace:
    return SimpleNamespace(is_authenticated=True, pk=3, **fields)


def test_a_user_is_the_viewer_whatever_the_session_holds() -> None:
    ann = user()
    viewer = viewer_of(ann, session_of(str(VISITOR)))

    assert viewer is not None
    assert (viewer.user, viewer.visitor, viewer.key) == (ann, None, "u:3")


def test_an_anonymous_session_with_a_visitor_is_that_visitor() -> None:
    viewer = viewer_of(AnonymousUser(), session_of(str(VISITOR)))

    assert viewer is not None
    assert (viewer.user, viewer.visitor) == (None, VISITOR)


@pytest.mark.parametrize("session", [None, SessionStore()])
@pytest.mark.parametrize("who", [None, AnonymousUser()])
def test_without_a_visitor_nobody_is_there(who, session) -> None:
    assert viewer_of(who, session) is None


@pytest.mark.parametrize("found", NO_VISITORS, ids=repr)
def test_a_session_that_holds_no_visitor_s_id_stands_for_nobody(found) -> None:
    assert viewer_of(AnonymousUser(), session_of(found)) is None
    assert visitor_of(session_of(found)) is None


def test_the_viewer_speaks_the_language_of_the_request() -> None:
    with translation.override("de"):
        viewer = viewer_of(user(), None)

    assert viewer is not None
    assert viewer.language == "de"


def test_a_viewer_without_translations_speaks_no_language_in_particular() -> None:
    with translation.override(None):
        viewer = viewer_of(user(), None)

    assert viewer is not None
    assert viewer.language == ""


def test_a_request_without_sessions_may_still_have_a_user() -> None:
    request = RequestFactory().get("/", headers={"host": "127.0.0.1"})
    request.user = user()

    assert viewer_of_request(request).key == "u:3"


def test_a_visitor_is_made_once() -> None:
    session = SessionStore()
    make_visitor(session)
    first = visitor_of(session)
    make_visitor(session)

    assert isinstance(first, UUID)
    assert visitor_of(session) == first


def test_two_sessions_are_two_visitors() -> None:
    one, two = SessionStore(), SessionStore()
    make_visitor(one)
    make_visitor(two)

    assert visitor_of(one) != visitor_of(two)


@pytest.mark.parametrize("found", NO_VISITORS, ids=repr)
def test_what_is_no_visitor_s_id_is_replaced_by_one(found) -> None:
    session = session_of(found)
    make_visitor(session)

    assert isinstance(visitor_of(session), UUID)


# What they may see


@pytest.mark.django_db
def test_a_viewer_sees_their_own_threads_of_their_tenant_that_are_not_deleted() -> None:
    ann = get_user_model().objects.create_user("ann")
    berta = get_user_model().objects.create_user("berta")
    mine, deleted, elsewhere = (make_thread(ann) for _ in range(3))
    make_thread(berta)
    of_visitor = make_thread(VISITOR)
    make_thread(uuid4())
    deleted.deleted_at = timezone.now()
    deleted.save()
    elsewhere.tenant = "elsewhere"
    elsewhere.save()

    def seen(viewer: Viewer) -> list:
        return list(AccessPolicy().threads(viewer))

    assert seen(Viewer(user=ann)) == [mine]
    assert seen(Viewer(user=ann, tenant="elsewhere")) == [elsewhere]
    assert seen(Viewer(visitor=VISITOR)) == [of_visitor]


@pytest.mark.django_db
def test_an_approval_without_a_permission_is_the_owner_s() -> None:
    ann = get_user_model().objects.create_user("ann")
    thread, rules = make_thread(ann), AccessPolicy()

    assert rules.can_approve(Viewer(user=ann), "", thread)
    assert not rules.can_approve(Viewer(user=make_staff("eve", PERMISSION)), "", thread)
    assert not rules.can_approve(Viewer(visitor=VISITOR), "", thread)
    assert not rules.can_approve(Viewer(user=ann), "")


@pytest.mark.django_db
def test_an_approval_with_a_permission_is_for_whoever_holds_it() -> None:
    ann = get_user_model().objects.create_user("ann")
    holder, other = make_staff("eve", PERMISSION), make_staff("mallory")
    retired = make_staff("kurt", PERMISSION)
    retired.is_active = False
    thread, rules = make_thread(ann), AccessPolicy()

    assert rules.can_approve(Viewer(user=holder), PERMISSION, thread)
    assert rules.can_approve(Viewer(user=holder), PERMISSION)
    for viewer in (
        Viewer(user=ann),
        Viewer(user=other),
        Viewer(user=retired),
        Viewer(visitor=VISITOR),
        Viewer(user=holder, tenant="elsewhere"),
    ):
        assert not rules.can_approve(viewer, PERMISSION, thread)


@pytest.mark.django_db
def test_nobody_approves_anything_in_a_thread_that_is_deleted() -> None:
    thread = make_thread(get_user_model().objects.create_user("ann"))
    thread.deleted_at = timezone.now()
    holder = Viewer(user=make_staff("eve", PERMISSION))

    assert not AccessPolicy().can_approve(holder, PERMISSION, thread)


@pytest.mark.django_db
def test_a_viewer_sees_what_is_open_in_their_threads_and_what_they_may_approve() -> (
    None
):
    ann = get_user_model().objects.create_user("ann")
    theirs, staffs, other = (
        ask_staff(VISITOR, permission=""),
        ask_staff(ann),
        ask_staff(ann, permission="auth.delete_user"),
    )
    ask_staff(ann, status="answered")
    page = ask_staff(ann, kind="client_tool", permission="")
    elsewhere, gone = ask_staff(ann), ask_staff(ann)
    Thread.objects.filter(runs=elsewhere.run_id).update(tenant="elsewhere")
    Thread.objects.filter(runs=gone.run_id).update(deleted_at=timezone.now())

    def seen(viewer: Viewer) -> set:
        return set(AccessPolicy().interrupts(viewer))

    boss = get_user_model().objects.create_superuser("boss")
    assert seen(Viewer(visitor=VISITOR)) == {theirs}
    assert seen(Viewer(user=ann)) == {staffs, other, page}
    assert seen(Viewer(user=make_staff("eve", PERMISSION))) == {staffs}
    assert seen(Viewer(user=boss)) == {staffs, other}
    assert seen(Viewer(user=boss, tenant="elsewhere")) == {elsewhere}
    assert seen(Viewer(user=make_staff("mallory"))) == set()


def test_everybody_may_speak_to_an_assistant_unless_the_site_says_otherwise() -> None:
    assert AccessPolicy().can_start(Viewer(visitor=VISITOR), "shop")


def test_the_site_names_its_policy(settings) -> None:
    assert type(policy()) is AccessPolicy
    settings.CHATKIT_ACCESS_POLICY = "tests.test_access.OwnPolicy"

    assert type(policy()).__name__ == "OwnPolicy"


# Whose page may open a socket


def scope(
    origin: str | None, *, host: str | None = "shop.example", scheme="ws", **headers
):
    given = {"origin": origin, "host": host} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return {
        "scheme": scheme,
        "headers": [
            (name.encode(), value.encode("latin1"))
            for name, value in given.items()
            if value is not None
        ],
    }


@pytest.fixture(autouse=True)
def one_host(settings):
    settings.ALLOWED_HOSTS = ["shop.example", "127.0.0.1", "[::1]"]
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.CHATKIT_ALLOWED_ORIGINS = []
    settings.SECURE_PROXY_SSL_HEADER = None
    return settings


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://shop.example", "shop.example", "ws"),
        ("https://shop.example", "shop.example", "wss"),
        ("http://shop.example", "shop.example", "http"),
        ("https://shop.example", "shop.example", "https"),
        ("http://shop.example:8000", "shop.example:8000", "ws"),
        ("HTTP://Shop.Example", "SHOP.example", "ws"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", "ws"),
        ("http://[::1]", "[::1]", "ws"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
    ],
)
def test_the_site_s_own_pages_may(origin, host, scheme) -> None:
    assert is_allowed_origin(scope(origin, host=host, scheme=scheme))


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        (None, "shop.example", "ws"),
        ("", "shop.example", "ws"),
        ("null", "shop.example", "ws"),
        ("file://", "shop.example", "ws"),
        ("http://evil.example", "shop.example", "ws"),
        ("http://shop.example.evil.example", "shop.example", "ws"),
        ("http://evilshop.example", "shop.example", "ws"),
        ("http://sub.shop.example", "shop.example", "ws"),
        ("http://shop.example@evil.example", "shop.example", "ws"),
        ("http://shop.example/", "shop.example", "ws"),
        ("https://shop.example", "shop.example", "ws"),
        ("http://shop.example", "shop.example", "wss"),
        ("http://shop.example:8000", "shop.example", "ws"),
        ("http://shop.example", "shop.example:8000", "ws"),
        ("http://shop.example:8001", "shop.example:8000", "ws"),
        ("shop.example", "shop.example", "ws"),
        ("//shop.example", "shop.example", "ws"),
        ("http://[::1]:8000", "[::1]:8001", "ws"),
        ("http://[::2]", "[::1]", "ws"),
        ("http://[", "shop.example", "ws"),
        ("http://[::1", "[::1", "ws"),
        ("http://[shop]", "[shop]", "ws"),
        ("http://shöp.example", "shop.example", "ws"),
    ],
)
def test_others_may_not(origin, host, scheme) -> None:
    assert not is_allowed_origin(scope(origin, host=host, scheme=scheme))


@pytest.mark.parametrize("host", [None, "", " ", ":8000", "a b", "shop.example:x"])
def test_a_host_that_is_missing_or_none_at_all_is_nobody_s_own(host, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert not is_allowed_origin(scope(f"http://{host or ''}", host=host))


def test_the_site_does_not_answer_to_a_host_that_it_does_not_know() -> None:
    rebound = scope("http://rebound.example", host="rebound.example")

    assert not is_allowed_origin(rebound)


def test_with_every_host_allowed_the_origin_must_still_be_the_host(settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert is_allowed_origin(scope("http://any.example", host="any.example"))
    assert not is_allowed_origin(scope("http://any.example", host="other.example"))


def test_a_leading_dot_allows_the_hosts_below(settings) -> None:
    settings.ALLOWED_HOSTS = [".shop.example"]

    assert is_allowed_origin(scope("http://a.shop.example", host="a.shop.example"))
    assert not is_allowed_origin(scope("http://ashop.example", host="ashop.example"))


@pytest.mark.parametrize("host", ["localhost:8000", "sub.localhost", "[::1]:1"])
def test_local_hosts_are_known_without_a_setting_while_debugging(
    host, settings
) -> None:
    settings.ALLOWED_HOSTS = []
    assert not is_allowed_origin(scope(f"http://{host}", host=host))

    settings.DEBUG = True
    assert is_allowed_origin(scope(f"http://{host}", host=host))
    assert not is_allowed_origin(scope("http://x.example", host="x.example"))


@pytest.mark.parametrize("name", ["CSRF_TRUSTED_ORIGINS", "CHATKIT_ALLOWED_ORIGINS"])
class TestTrustedOrigins:
    def test_one_that_is_named_may_with_its_scheme_and_port(
        self, name, settings
    ) -> None:
        setattr(settings, name, ["https://Partner.example:8443/"])

        assert is_allowed_origin(scope("https://partner.example:8443"))
        assert not is_allowed_origin(scope("http://partner.example:8443"))
        assert not is_allowed_origin(scope("https://partner.example"))
        assert not is_allowed_origin(scope("https://sub.partner.example:8443"))

    def test_one_that_is_named_may_though_the_host_is_missing(
        self, name, settings
    ) -> None:
        setattr(settings, name, ["https://partner.example"])

        assert is_allowed_origin(scope("https://partner.example", host=None))

    @pytest.mark.parametrize(
        "origin",
        [
            "https://a.partner.example",
            "https://a.b.partner.example",
            "https://partner.example",  # as Django has it
        ],
    )
    def test_a_star_stands_for_the_domain_and_those_below(
        self, name, settings, origin
    ) -> None:
        setattr(settings, name, ["https://*.partner.example"])

        assert is_allowed_origin(scope(origin))

    @pytest.mark.parametrize(
        "origin",
        [
            "http://a.partner.example",
            "https://apartner.example",
            "https://a.partner.example:8443",
            "https://a.partner.example.evil.example",
            "https://evil.example/.partner.example",
            "https://evil.example#.partner.example",
            "https://evil.example?.partner.example",
            "null",
            "https://[",
        ],
    )
    def test_a_star_stands_for_no_other_scheme_port_or_domain(
        self, name, settings, origin
    ) -> None:
        setattr(settings, name, ["https://*.partner.example"])

        assert not is_allowed_origin(scope(origin))

    def test_a_star_keeps_its_port(self, name, settings) -> None:
        setattr(settings, name, ["https://*.partner.example:8443"])

        assert is_allowed_origin(scope("https://a.partner.example:8443"))
        assert not is_allowed_origin(scope("https://a.partner.example"))


def test_a_proxy_that_ends_tls_is_believed_where_the_site_says_so(settings) -> None:
    proxied = scope("https://shop.example", x_forwarded_proto="https")
    assert not is_allowed_origin(proxied)

    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert is_allowed_origin(proxied)


@pytest.mark.parametrize(
    ("origin", "told", "is_allowed"),
    [
        ("https://shop.example", "https", True),
        ("https://shop.example", "https, http", True),
        ("https://shop.example", "http", False),
        ("http://shop.example", "http", True),
        ("http://shop.example", "https", False),
        ("http://shop.example", None, True),
        ("https://shop.example", None, False),
    ],
)
def test_the_scheme_is_what_the_proxy_tells(origin, told, is_allowed, settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    assert is_allowed_origin(scope(origin, x_forwarded_proto=told)) is is_allowed


def test_a_proxy_may_have_a_header_and_a_word_of_its_own(settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_FRONT_END_HTTPS", "On")

    assert is_allowed_origin(scope("https://shop.example", front_end_https="On"))
    assert not is_allowed_origin(scope("https://shop.example", front_end_https="off"))


def test_a_proxy_s_host_counts_only_where_the_site_says_so(settings) -> None:
    proxied = scope(
        "http://shop.example", host="backend:8000", x_forwarded_host="shop.example"
    )
    assert not is_allowed_origin(proxied)

    settings.USE_X_FORWARDED_HOST = True
    assert is_allowed_origin(proxied)
    assert is_allowed_origin(scope("http://shop.example"))
    assert not is_allowed_origin(
        scope("http://evil.example", x_forwarded_host="evil.example")
    )


@pytest.mark.django_db
def test_a_tokens_user_has_the_rights_of_today_and_none_when_shut_out(
    django_user_model,
) -> None:
    user = django_user_model.objects.create_user("token", is_superuser=True)
    scope = {"user": user, "headers": [], "cookies": {}}
    assert viewer_now(scope).user.has_perm("auth.change_group")

    django_user_model.objects.filter(pk=user.pk).update(is_superuser=False)
    assert not viewer_now(scope).user.has_perm("auth.change_group")

    django_user_model.objects.filter(pk=user.pk).update(is_active=False)
    assert viewer_now(scope) is None
