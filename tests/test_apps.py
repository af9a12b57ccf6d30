from __future__ import annotations

from django.apps import apps
from django.contrib.auth.signals import user_logged_in
from django.core.checks.registry import registry as checks
from django.test import override_settings

from chatkit_app.providers.scripted import ScriptedProvider
from chatkit_app.registry import assistants, providers
from chatkit_app.threads.adopt import adopt_on_login

ONE = {"default": {"BACKEND": "tests.test_registry.make_scripted"}}
OTHER = {"default": {"BACKEND": "tests.engine.drive.ListedProvider"}}


def test_the_app_s_tables_keep_their_kind_of_key_on_every_site() -> None:
    config = apps.get_app_config("chatkit_app")

    assert config.default_auto_field == "django.db.models.BigAutoField"


def test_each_app_s_assistants_are_loaded() -> None:
    assert assistants.get("test").title == "Test assistant"


def test_log_in_is_listened_to_once_however_often_the_app_is_readied() -> None:
    apps.get_app_config("chatkit_app").ready()
    heard = [found for found in user_logged_in.receivers if "chatkit_adopt" in found[0]]
    listeners = user_logged_in._live_receivers(object)[0]

    assert len(heard) == 1
    assert listeners.count(adopt_on_login) == 1


def test_the_app_s_checks_are_registered() -> None:
    modules = {check.__module__ for check in checks.registered_checks}

    assert "chatkit_app.checks.providers" in modules


def test_a_changed_setting_makes_new_providers() -> None:
    with override_settings(CHATKIT_PROVIDERS=ONE):
        first = providers.get("default")
        with override_settings(USE_TZ=True):
            assert providers.get("default") is first
        with override_settings(CHATKIT_PROVIDERS=OTHER):
            assert providers.get("default").name == "listed"
        assert isinstance(providers.get("default"), ScriptedProvider)
        assert providers.get("default") is not first
