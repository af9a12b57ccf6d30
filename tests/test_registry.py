from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatkit_app import registry
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.provider import Provider
from chatkit_app.providers.scripted import Say, ScriptedProvider
from chatkit_app.registry import Providers, Registry
from tests.engine.drive import SOON, ListedProvider

HERE = "tests.test_registry"


def make_scripted(**options) -> Provider:
    return ScriptedProvider(lambda request: (Say("Hello"),), **options)


def make_none() -> object:
    return object()


@pytest.fixture
def known() -> Registry:
    return Registry()


def test_an_assistant_is_found_by_its_name(known) -> None:
    shop = Assistant(name="shop")

    assert known.register(shop) is shop
    assert known.get("shop") is shop


def test_the_names_are_sorted(known) -> None:
    for name in ("b", "a", "c"):
        known.register(Assistant(name=name))

    assert known.names() == ["a", "b", "c"]


def test_two_assistants_of_one_name_are_refused_and_the_first_stays(known) -> None:
    first = known.register(Assistant(name="shop", title="First"))

    with pytest.raises(ImproperlyConfigured, match="Two assistants are called 'shop'"):
        known.register(Assistant(name="shop", title="Second"))
    assert known.get("shop") is first


def test_the_same_assistant_may_be_registered_again(known) -> None:
    shop = Assistant(name="shop")
    known.register(shop)

    assert known.register(shop) is shop


def test_a_name_that_nobody_has_is_answered_with_those_that_there_are(known) -> None:
    with pytest.raises(LookupError, match="called 'shop'; registered: none"):
        known.get("shop")
    known.register(Assistant(name="b"))
    known.register(Assistant(name="a"))
    with pytest.raises(LookupError, match="called 'shop'; registered: a, b"):
        known.get("shop")


def test_one_that_was_taken_out_is_gone(known) -> None:
    known.register(Assistant(name="shop"))
    known.unregister("shop")
    known.unregister("shop")

    assert known.names() == []


def test_whether_a_script_answers_is_its_provider_s_to_say(known, settings) -> None:
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": f"{HERE}.make_scripted"},
        "other": {"BACKEND": "tests.engine.drive.ListedProvider"},
    }
    known.register(Assistant(name="demo"))
    known.register(Assistant(name="real", provider="other"))

    assert known.is_simulated("demo")
    assert not known.is_simulated("real")


def test_the_assistants_of_the_apps_are_found_at_the_start() -> None:
    assert "test" in registry.assistants.names()


def test_a_provider_is_made_once_from_its_backend_and_options(settings) -> None:
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": f"{HERE}.make_scripted", "OPTIONS": {"delay": 0.5}},
        "other": {"BACKEND": "tests.engine.drive.ListedProvider"},
    }
    made = Providers()

    assert isinstance(made.get("default"), ScriptedProvider)
    assert made.get("default") is made.get("default")
    assert isinstance(made.get("other"), ListedProvider)


def test_a_provider_is_made_once_though_two_threads_ask(settings) -> None:
    settings.CHATKIT_PROVIDERS = {"default": {"BACKEND": f"{HERE}.make_scripted"}}
    made, start = Providers(), Barrier(4, timeout=SOON)

    def ask(_: int) -> Provider:
        start.wait()
        return made.get("default")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"other": {"BACKEND": f"{HERE}.make_scripted"}},
        {"default": {}},
        {"default": None},
        {"default": "tests.test_registry.make_scripted"},
        {"default": {"BACKEND": "no.such.module"}},
        {"default": {"BACKEND": f"{HERE}.gone"}},
        {"default": {"BACKEND": "nodots"}},
        None,
    ],
    ids=repr,
)
def test_an_alias_that_leads_nowhere_is_named(settings, declared) -> None:
    settings.CHATKIT_PROVIDERS = declared

    with pytest.raises(ImproperlyConfigured, match=r"CHATKIT_PROVIDERS\['default'\]"):
        Providers().get("default")


def test_a_backend_that_makes_no_provider_is_refused(settings) -> None:
    settings.CHATKIT_PROVIDERS = {"default": {"BACKEND": f"{HERE}.make_none"}}

    with pytest.raises(ImproperlyConfigured, match="made no Provider"):
        Providers().get("default")


def test_options_that_the_backend_does_not_take_are_named(settings) -> None:
    settings.CHATKIT_PROVIDERS = {
        "default": {"BACKEND": f"{HERE}.make_scripted", "OPTIONS": {"speed": 1}}
    }

    with pytest.raises(ImproperlyConfigured, match=r"'default'.*speed"):
        Providers().get("default")


def test_one_that_could_not_be_made_is_tried_again(settings) -> None:
    made = Providers()
    settings.CHATKIT_PROVIDERS = {}
    with pytest.raises(ImproperlyConfigured):
        made.get("default")
    settings.CHATKIT_PROVIDERS = {"default": {"BACKEND": f"{HERE}.make_scripted"}}

    assert isinstance(made.get("default"), ScriptedProvider)
