from __future__ import annotations

import io
import json
import zipfile
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from tests.threads.owned_rows import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return get_user_model().objects.create_user("ann")


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("chatkit_export", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_all_of_a_user_s_is_written_to_the_standard_output(ann) -> None:
    thread = fill(ann, "m4rk")
    fill(uuid4(), "0ther5")

    text = said("--user", str(ann.pk))

    assert [row["id"] for row in json.loads(text)["threads"]] == [str(thread.pk)]
    assert "0ther5" not in text


def test_a_visitor_s_and_a_thread_can_be_read_as_markdown(ann) -> None:
    visitor = uuid4()
    thread = fill(visitor, "m4rk")

    whole = said("--visitor", str(visitor), "--as", "markdown")

    assert whole.startswith("# m4rk title")
    assert said("--thread", str(thread.pk), "--as", "markdown") == whole


def test_a_zip_has_the_files_and_goes_to_a_file(ann, tmp_path) -> None:
    fill(ann, "m4rk")
    output = tmp_path / "all.zip"

    said("--user", str(ann.pk), "--as", "zip", "--output", str(output))

    assert len(zipfile.ZipFile(output).namelist()) == 4
    with pytest.raises(CommandError, match="--output"):
        said("--user", str(ann.pk), "--as", "zip")


def test_a_thread_that_is_missing_is_said_so(db) -> None:
    with pytest.raises(CommandError, match="There is no thread"):
        said("--thread", str(uuid4()))
