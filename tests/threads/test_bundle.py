from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Attachment
from chatkit_app.threads import export
from chatkit_app.threads.bundle import PIECE, as_zip, encoded, written
from tests.threads.owned_rows import fill, make_attachment

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return get_user_model().objects.create_user("ann")


def opened(ann) -> zipfile.ZipFile:
    found = export.of_own(Viewer(user=ann))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(as_zip(found))))
    assert archive.testzip() is None
    return archive


def test_a_zip_has_both_documents_and_every_file(ann) -> None:
    fill(ann, "m4rk")
    files = Attachment.objects.order_by("pk")

    archive = opened(ann)

    names = [f"files/{row.pk}/m4rk.txt" for row in files]
    assert archive.namelist() == ["export.json", "export.md", *names]
    assert archive.read(names[0]) == b"m4rk"
    told = json.loads(archive.read("export.json"))
    assert [file["id"] for file in told["files"]] == [str(row.pk) for row in files]
    assert archive.read("export.md").decode().startswith("# m4rk title")


def test_a_hostile_name_stays_where_the_files_are(ann) -> None:
    row = make_attachment(ann, "m4rk")
    Attachment.objects.update(name="../../etc/pass\\..\\wd\u202etxt.exe")

    assert opened(ann).namelist()[2:] == [f"files/{row.pk}/wdtxt.exe"]


def test_a_file_that_is_gone_is_left_out_and_the_others_are_there(ann, caplog) -> None:
    gone, there = make_attachment(ann, "m4rk"), make_attachment(ann, "m4rk")
    gone.file.storage.delete(gone.file.name)

    assert opened(ann).namelist()[2:] == [f"files/{there.pk}/m4rk.txt"]
    assert str(gone.pk) in caplog.text


def test_a_large_file_is_sent_in_pieces(ann) -> None:
    row = make_attachment(ann, "m4rk")
    with row.file.storage.open(row.file.name, "wb") as file:
        for number in range(40):
            file.write(bytes([number]) * 17 + b"%d" % number * PIECE)

    found = export.of_own(Viewer(user=ann))
    sizes = [len(piece) for piece in as_zip(found)]

    assert max(sizes) < 4 * PIECE
    assert len(sizes) > 2


def test_small_pieces_are_sent_together(ann) -> None:
    sizes = [len(piece) for piece in encoded("x" * 1000 for _ in range(200))]

    assert sum(sizes) == 200_000
    assert len(sizes) == 4


@pytest.mark.parametrize(
    ("kind", "begins"), [("json", b'{"form'), ("markdown", b"# m4rk"), ("zip", b"PK")]
)
def test_each_kind_is_written(ann, kind, begins) -> None:
    fill(ann, "m4rk")

    text = b"".join(written(export.of_own(Viewer(user=ann)), kind))

    assert text.startswith(begins)
