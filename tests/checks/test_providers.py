from __future__ import annotations

import pytest

from chatkit_app.providers.scripted import ScriptedProvider
from tests.checks.spoiling import SCRIPTED, ids


def refuse(key: str, *, model: str = "") -> ScriptedProvider:
    raise AssertionError("A check must not make a provider: that may need a key.")


not_callable = "a text"


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
