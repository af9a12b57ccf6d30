from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, run_checks
from django.db.utils import ConnectionHandler
from rest_framework.authentication import SessionAuthentication

from chatkit_app import checks
from chatkit_app.access import AccessPolicy
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool, tool_definition
from chatkit_app.providers.scripted import ScriptedProvider
from chatkit_app.registry import Registry
from chatkit_app.runs.runner import Runner

SCRIPTED = "chatkit_app.providers.scripted.ScriptedProvider"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": "site.sqlite3",
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}


class MyPolicy(AccessPolicy):
    pass


class MyRunner(Runner):
    """Abstract still: a check asks for its kind and does not make it."""


class MySessions(SessionAuthentication):
    pass


def refuse(key: str, *, model: str = "") -> ScriptedProvider:
    raise AssertionError("A check must not make a provider: that may need a key.")


not_callable = "a text"


@tool
def order_status(number: str) -> str:
    """Where an order is."""
    return number


def plain_function() -> None:
    pass


found_in_page = tool_definition(name="order_status", description="The same name.")


@pytest.fixture
def site(settings, monkeypatch):
    """A site that is set up as the documentation says, to be spoilt by the test."""
    for name in dir(django_settings):
        if name.startswith("CHATKIT_"):
            delattr(settings, name)
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": SCRIPTED, "OPTIONS": {"rule": "a.rule"}}
    }
    settings.MIDDLEWARE = [SESSIONS, USERS]
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    }
    settings.ASGI_APPLICATION = "site.asgi.application"
    settings.REST_FRAMEWORK = {}
    monkeypatch.setattr(checks, "assistants", Registry())
    use_database(monkeypatch, SQLITE)
    return settings


def use_database(monkeypatch, declared: dict[str, object]) -> None:
    """Django's own connections can't be declared anew once they are open."""
    monkeypatch.setattr(checks, "connections", ConnectionHandler({"default": declared}))


def assist(*tools: object, provider: str = "default") -> None:
    checks.assistants.register(
        Assistant(name="shop", tools=tools, provider=provider)  # type: ignore[arg-type]
    )


def ours() -> list[CheckMessage]:
    return run_checks(tags=["chatkit"])


def ids() -> list[str]:
    return [str(message.id) for message in ours()]


def test_a_site_that_follows_the_documentation_passes(site) -> None:
    assist(order_status)

    assert ours() == []


def test_every_check_has_a_test_here() -> None:
    declared = {
        str(node.value.value)
        for node in ast.walk(ast.parse(Path(checks.__file__).read_text()))
        if isinstance(node, ast.keyword)
        and node.arg == "id"
        and isinstance(node.value, ast.Constant)
    }

    assert declared <= {id_ for id_ in _literals(Path(__file__)) if "chatkit." in id_}


def _literals(path: Path) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("value", [None, {}, "default", ["default"]])
def test_without_a_provider_there_is_no_chat(site, value) -> None:
    site.CHATKIT_PROVIDERS = value

    assert ids() == ["chatkit.E001"]


def test_a_site_that_forgot_the_providers_is_told(site) -> None:
    del site.CHATKIT_PROVIDERS

    assert ids() == ["chatkit.E001"]


@pytest.mark.parametrize(
    "declared",
    [
        SCRIPTED,
        {},
        {"BACKEND": ScriptedProvider},
        {"BACKEND": SCRIPTED, "OPTIONS": ["rule"]},
        {"BACKEND": SCRIPTED, "OPTION": {}},
    ],
)
def test_a_provider_is_declared_as_django_declares_a_cache(site, declared) -> None:
    site.CHATKIT_PROVIDERS = {"default": declared}

    assert ids() == ["chatkit.E002"]


@pytest.mark.parametrize(
    "path",
    ["no.such.module", "", ".x", "chatkit_app.no", f"{__name__}.not_callable"],
)
def test_a_backend_can_be_imported_and_called(site, path) -> None:
    site.CHATKIT_PROVIDERS = {"default": {"BACKEND": path}}

    assert ids() == ["chatkit.E003"]


@pytest.mark.parametrize("options", [{}, {"ruel": "a.rule"}, {"rule": "a", "x": 1}])
def test_options_that_the_backend_does_not_take_are_told(site, options) -> None:
    site.CHATKIT_PROVIDERS = {"default": {"BACKEND": SCRIPTED, "OPTIONS": options}}

    assert ids() == ["chatkit.E004"]


def test_a_backend_is_looked_at_and_not_made(site) -> None:
    options = {"key": "", "model": "m"}
    site.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": f"{__name__}.refuse", "OPTIONS": options}
    }

    assert ids() == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{__name__}.MyPolicy", []),
        ("no.such.policy", ["chatkit.E005"]),
        (f"{__name__}.Assistant", ["chatkit.E005"]),
        (MyPolicy, ["chatkit.E005"]),
        (None, ["chatkit.E005"]),
    ],
)
def test_the_access_policy_is_the_path_of_a_policy(site, path, expected) -> None:
    site.CHATKIT_ACCESS_POLICY = path

    assert ids() == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{__name__}.MyRunner", []),
        ("no.such.runner", ["chatkit.E021"]),
        (f"{__name__}.MyPolicy", ["chatkit.E021"]),
        (MyRunner, ["chatkit.E021"]),
    ],
)
def test_the_runner_is_the_path_of_a_runner(site, path, expected) -> None:
    site.CHATKIT_RUNNER = path

    assert ids() == expected


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        ([], []),
        (["https://shop.example", "http://[::1]:8000"], []),
        (["https://*.shop.example"], []),
        ("https://shop.example", ["chatkit.E006"]),
        (["shop.example"], ["chatkit.E006"]),
        (["https://shop.example/chat"], ["chatkit.E006"]),
        ([None], ["chatkit.E006"]),
    ],
)
def test_origins_have_scheme_and_host_and_no_path(site, origins, expected) -> None:
    site.CHATKIT_ALLOWED_ORIGINS = origins

    assert ids() == expected


COUNTS = [name for name, type_ in checks._types() if type_ == "int"]
TIMES = [name for name, type_ in checks._types() if type_ == "float"]


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, 1.5, "10", None, True])
def test_a_count_or_size_is_a_whole_number_from_one_on(site, name, value) -> None:
    setattr(site, f"CHATKIT_{name}", value)

    assert ids() == ["chatkit.E007"]
    assert name in ours()[0].msg


@pytest.mark.parametrize("name", COUNTS + TIMES)
def test_a_whole_number_serves_every_number(site, name) -> None:
    setattr(site, f"CHATKIT_{name}", 1)

    assert ids() == []


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize(
    "value", [0, -0.5, float("nan"), float("inf"), "10", None, True]
)
def test_a_time_is_seconds_above_zero(site, name, value) -> None:
    setattr(site, f"CHATKIT_{name}", value)

    assert ids() == ["chatkit.E008"]
    assert name in ours()[0].msg


def test_every_setting_has_a_type_that_is_checked() -> None:
    others = {name for name, type_ in checks._types() if type_ not in ("int", "float")}

    assert others == {"PROVIDERS", "ACCESS_POLICY", "ALLOWED_ORIGINS", "RUNNER"}


def test_a_misspelt_setting_is_told_what_was_meant(site) -> None:
    site.CHATKIT_MAX_FRAME_BYTE = 10

    assert ids() == ["chatkit.W009"]
    assert "CHATKIT_MAX_FRAME_BYTES" in str(ours()[0].hint)


def test_an_assistant_speaks_to_a_provider_that_is_declared(site) -> None:
    assist(provider="other")

    assert ids() == ["chatkit.E010"]


def test_a_function_that_nobody_made_a_tool_is_told(site) -> None:
    assist(order_status, plain_function)

    assert ids() == ["chatkit.E011"]


def test_two_tools_of_an_assistant_have_two_names(site) -> None:
    assist(order_status, found_in_page)

    assert ids() == ["chatkit.E012"]


def test_tools_that_a_function_gives_are_not_asked_for(site) -> None:
    def tools_of(_viewer, _page):
        raise AssertionError("A check has neither viewer nor page.")

    checks.assistants.register(Assistant(name="shop", tools=tools_of))

    assert ids() == []


def test_a_database_without_partial_unique_indexes_is_refused(
    site, monkeypatch
) -> None:
    use_database(
        monkeypatch, {"ENGINE": "tests.databases.mysql_by_name", "NAME": "site"}
    )

    assert ids() == ["chatkit.E013"]


def test_postgresql_is_supported_as_it_is(site, monkeypatch) -> None:
    use_database(
        monkeypatch, {"ENGINE": "django.db.backends.postgresql", "NAME": "site"}
    )

    assert ids() == []


@pytest.mark.parametrize("mode", [None, "DEFERRED"])
def test_sqlite_should_lock_when_a_transaction_begins(site, monkeypatch, mode) -> None:
    options = {**SQLITE["OPTIONS"], "transaction_mode": mode}
    use_database(monkeypatch, {**SQLITE, "OPTIONS": options})

    assert ids() == ["chatkit.W014"]


@pytest.mark.parametrize("command", ["", "PRAGMA journal_mode=DELETE;"])
def test_sqlite_should_keep_a_write_ahead_log(site, monkeypatch, command) -> None:
    options = {**SQLITE["OPTIONS"], "init_command": command}
    use_database(monkeypatch, {**SQLITE, "OPTIONS": options})

    assert ids() == ["chatkit.W015"]


def test_an_sqlite_in_memory_needs_neither(site, monkeypatch) -> None:
    use_database(monkeypatch, {"ENGINE": SQLITE["ENGINE"], "NAME": ":memory:"})

    assert ids() == []


@pytest.mark.parametrize("layers", [{}, {"other": {}}, None])
def test_several_processes_need_a_channel_layer(site, layers) -> None:
    site.CHANNEL_LAYERS = layers

    assert ids() == ["chatkit.W016"]


@pytest.mark.parametrize(
    ("age", "asgi", "expected"),
    [
        (0, "site.asgi.application", []),
        (60, "site.asgi.application", ["chatkit.W017"]),
        (None, "site.asgi.application", ["chatkit.W017"]),
        (60, None, ["chatkit.W024"]),
    ],
)
def test_connections_are_not_kept_under_asgi(
    site, monkeypatch, age, asgi, expected
) -> None:
    site.ASGI_APPLICATION = asgi
    use_database(monkeypatch, {**SQLITE, "CONN_MAX_AGE": age})

    assert ids() == expected


def test_a_request_needs_a_session(site) -> None:
    site.MIDDLEWARE = [USERS]

    assert ids() == ["chatkit.E018"]


def test_a_request_needs_a_user(site) -> None:
    site.MIDDLEWARE = [SESSIONS]

    assert ids() == ["chatkit.E019"]


def test_a_middleware_that_a_site_derived_serves_as_well(site) -> None:
    site.MIDDLEWARE = [SESSIONS, f"{__name__}.MyUsers", "chatkit_app.no_such"]

    assert ids() == []


class MyUsers(checks.import_string(USERS)):
    pass


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


class ReadsElsewhere:
    """A router with a replica."""

    def db_for_read(self, model, **hints) -> str | None:
        return "replica"


def test_the_tables_are_read_where_they_are_written(site) -> None:
    site.DATABASE_ROUTERS = ["tests.test_checks.ReadsElsewhere"]

    assert ids() == ["chatkit.E022"]


def test_times_must_be_aware(site) -> None:
    site.USE_TZ = False

    assert ids() == ["chatkit.E023"]


def test_somebody_must_speak_websocket(site) -> None:
    site.ASGI_APPLICATION = None

    assert ids() == ["chatkit.W024"]
