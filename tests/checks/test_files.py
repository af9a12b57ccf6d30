from __future__ import annotations

import dataclasses

import pytest

from chatkit_app.registry import assistants
from tests.checks.spoiling import ids, ids_deployed, ours

pytestmark = pytest.mark.usefixtures("site")


@pytest.fixture
def taking(monkeypatch):
    """An assistant takes files."""
    known = assistants.all()
    made = [dataclasses.replace(each, attachments=True) for each in known]
    monkeypatch.setattr(assistants, "_assistants", {each.name: each for each in made})


@pytest.fixture
def refusing(monkeypatch):
    """No assistant takes files."""
    known = assistants.all()
    made = [dataclasses.replace(each, attachments=False) for each in known]
    monkeypatch.setattr(assistants, "_assistants", {each.name: each for each in made})


@pytest.mark.parametrize(
    ("types", "faults"),
    [
        (["image/png", "application/vnd.ms-excel", "image/svg+xml"], 0),
        ([], 0),
        ("image/png", 0),
        (["png", "image/*", None, "image/png"], 3),
        (7, 1),
    ],
)
def test_types_are_media_types(settings, types: object, faults: int) -> None:
    settings.CHATKIT_ATTACHMENT_TYPES = types

    assert ids() == ["chatkit.E090"] * faults


def test_files_are_not_put_beside_the_code(settings, taking) -> None:
    settings.MEDIA_ROOT = ""

    assert ids() == ["chatkit.E091"]
    assert "MEDIA_ROOT" in ours()[0].msg


def test_where_nobody_takes_files_no_place_is_needed(settings, refusing) -> None:
    settings.MEDIA_ROOT = ""
    settings.MEDIA_URL = "/media/"

    assert ids() == []
    assert "chatkit.W092" not in ids_deployed()


@pytest.mark.parametrize(("url", "is_told"), [("", False), ("/media/", True)])
def test_a_folder_that_may_be_served_is_told_of(settings, taking, url, is_told) -> None:
    settings.MEDIA_URL = url

    assert ("chatkit.W092" in ids_deployed()) is is_told
    assert "chatkit.W092" not in ids()
