from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from chatkit_app.conf import Settings, settings

NAMES = [name for name, value in vars(Settings).items() if isinstance(value, property)]


@pytest.fixture
def bare(settings):
    """A site that sets nothing of ours."""
    for name in dir(django_settings):
        if name.startswith("CHATKIT_"):
            delattr(settings, name)
    return settings


def another(default):
    """Another value; where parts are added to a default, with one of them more."""
    if isinstance(default, dict):
        return {**default, "x": 1}
    return ["x"] if isinstance(default, list) else object()


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_the_sites_as_soon_as_it_is_set(bare, name) -> None:
    default = getattr(settings, name)
    wanted = another(default)

    setattr(bare, f"CHATKIT_{name}", wanted)
    assert getattr(settings, name) == wanted
    delattr(bare, f"CHATKIT_{name}")
    assert getattr(settings, name) == default


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_tells_its_name_where_it_is_defined(name) -> None:
    assert f"``CHATKIT_{name}``" in (getattr(Settings, name).__doc__ or "")


def test_a_list_that_is_read_is_not_the_sites_own(bare) -> None:
    bare.CHATKIT_ALLOWED_ORIGINS = ("https://shop.example",)

    settings.ALLOWED_ORIGINS.append("https://evil.example")

    assert settings.ALLOWED_ORIGINS == ["https://shop.example"]
