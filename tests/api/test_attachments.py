from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from chatkit_app.models import AccessLog, Attachment
from tests.approvals import make_staff
from tests.history_rows import make_thread
from tests.uploads import (
    GOOD,
    HOSTILE,
    PNG,
    TEXT,
    URL,
    browser,
    kept,
    post,
    raw_form,
)

pytestmark = pytest.mark.django_db

VISITOR = uuid4()


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


def assert_refused(answer, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Attachment.objects.exists()
    assert kept() == []


def fetch(client: Client, url: str):
    """Its answer, read to the end."""
    answer = client.get(url)
    if answer.streaming:
        answer.body = b"".join(answer)
    return answer


def sent(attachment: Attachment, thread) -> Attachment:
    attachment.thread, attachment.status = thread, "sent"
    attachment.expires_at = None
    attachment.save()
    return attachment


# Uploading


@pytest.mark.parametrize("name", GOOD)
def test_an_upload_is_kept_and_comes_back_as_it_was(anna, name) -> None:
    content, media_type = GOOD[name]
    client = browser(anna)

    answer = post(client, name, content)

    row = Attachment.objects.get()
    assert answer.status_code == 201
    told = answer.json()
    assert told.pop("expiresAt").endswith("Z")
    assert told == {
        "id": str(row.pk),
        "name": name,
        "mediaType": media_type,
        "size": len(content),
        "url": f"{URL}{row.pk}/content/",
    }
    assert len(kept()) == 1
    back = fetch(client, told["url"])
    assert back.body == content
    assert back.headers["Content-Type"].partition(";")[0] == media_type


def test_a_visitor_uploads_as_well(anna) -> None:
    client = browser(VISITOR)

    answer = post(client)

    assert answer.status_code == 201
    assert fetch(client, answer.json()["url"]).body == PNG
    assert Attachment.objects.get().owner_key == f"v:{VISITOR}"


def test_nothing_of_the_visitors_is_in_the_name_of_what_is_kept(anna) -> None:
    post(browser(anna), "secret plan.png")

    [name] = kept()
    assert "secret" not in name
    assert "png" not in name
    assert str(Attachment.objects.get().pk) not in name


@pytest.mark.parametrize("what", HOSTILE)
def test_a_file_of_the_wrong_kind_is_refused_and_nothing_is_left(anna, what) -> None:
    assert_refused(post(browser(anna), *HOSTILE[what]), 415, "attachment_type_refused")


@pytest.mark.parametrize("claimed", ["text/html", "image/svg+xml", "x" * 300])
def test_what_the_browser_says_it_is_does_not_count(anna, claimed) -> None:
    file = SimpleUploadedFile("a.html", PNG, content_type=claimed)

    answer = browser(anna).post(URL, {"file": file})

    assert answer.json()["mediaType"] == "image/png"


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.png",
        "..\\windows\\a.png",
        "/etc/passwd",
        "&#47;etc&#47;passwd",
        "a/../b.png",
        "a\0.png",
    ],
)
def test_a_path_is_no_name(anna, name) -> None:
    answer = browser(anna).post(URL, **raw_form(name, PNG))

    assert_refused(answer, 400, "attachment_refused")


def test_a_form_with_another_field_is_refused(anna) -> None:
    form = raw_form("a.png", PNG)
    token = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n1\r\n'

    def sent_with(field: bytes):
        data = token % field + form["data"]
        return browser(anna).post(URL, **{**form, "data": data})

    assert_refused(sent_with(b"note"), 400, "attachment_refused")
    assert sent_with(b"csrfmiddlewaretoken").status_code == 201


@pytest.mark.parametrize("body", [b"--b--\r\n", b"--b", b"x"])
def test_a_form_of_nothing_is_refused(anna, body) -> None:
    kind = "multipart/form-data; boundary=b"

    answer = browser(anna).post(URL, data=body, content_type=kind)

    assert_refused(answer, 400, "attachment_refused")


def test_a_path_in_the_other_spelling_is_no_name_either(anna) -> None:
    form = raw_form("x", PNG)
    form["data"] = form["data"].replace(
        b'filename="x"', b"filename*=UTF-8''..%2F..%2Fa.png"
    )

    assert_refused(browser(anna).post(URL, **form), 400, "attachment_refused")


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_name_is_no_file(anna, name) -> None:
    answer = browser(anna).post(URL, **raw_form(name, PNG))

    assert_refused(answer, 400, "attachment_refused")


def test_a_name_is_cleaned_for_those_who_read_it(anna) -> None:
    answer = browser(anna).post(URL, **raw_form("in\u202egpj.exe \x07", PNG))

    assert answer.json()["name"] == "ingpj.exe"


def test_a_long_name_is_cut(anna) -> None:
    answer = browser(anna).post(URL, **raw_form("ä" * 300 + ".png", PNG))

    name = answer.json()["name"]
    assert len(name) == 200
    assert name.endswith(".png")


def test_an_empty_file_is_refused(anna) -> None:
    assert_refused(post(browser(anna), "a.png", b""), 400, "attachment_refused")


def test_a_form_without_a_file_is_refused(anna) -> None:
    client = browser(anna)

    assert_refused(client.post(URL, {"file": "text"}), 400, "attachment_refused")
    assert_refused(client.post(URL, {}), 400, "attachment_refused")
    other = {"picture": SimpleUploadedFile("a.png", PNG)}
    assert_refused(client.post(URL, other), 400, "attachment_refused")


def test_two_files_at_once_are_refused(anna) -> None:
    both = [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("b.png", PNG)]

    assert_refused(browser(anna).post(URL, {"file": both}), 400, "attachment_refused")


@pytest.mark.parametrize(
    "body", [b"--b\r\n", b"--b\r\nContent-Disposition: x\r\n\r\n", b"\xff" * 99]
)
def test_a_form_that_is_none_is_refused(anna, body) -> None:
    answer = browser(anna).post(
        URL, body, content_type="multipart/form-data; boundary=b"
    )

    assert_refused(answer, 400, "attachment_refused")


def test_a_form_without_a_boundary_is_refused(anna) -> None:
    answer = browser(anna).post(URL, b"x", content_type="multipart/form-data")

    assert_refused(answer, 400, "attachment_refused")


def test_a_form_of_too_many_fields_is_refused(anna) -> None:
    answer = browser(anna).post(URL, {f"f{n}": "x" for n in range(2000)})

    assert_refused(answer, 400, "attachment_refused")


def test_other_bodies_are_not_taken(anna) -> None:
    answer = browser(anna).post(URL, json.dumps({}), content_type="application/json")

    assert_refused(answer, 415, "unsupported_media_type")


def test_what_says_that_it_is_too_large_is_not_read(anna, settings) -> None:
    settings.CHATKIT_MAX_ATTACHMENT_BYTES = 1000

    answer = post(browser(anna), "a.txt", b"x" * 100_000)

    assert_refused(answer, 413, "attachment_too_large")


@pytest.mark.parametrize("more", [1, 500_000])
def test_what_does_not_say_how_large_it_is_is_counted(anna, settings, more) -> None:
    settings.CHATKIT_MAX_ATTACHMENT_BYTES = 1000
    client = browser(anna)
    form = raw_form("a.txt", b"x" * (1000 + more))
    understated = str(len(form["data"])) if more == 1 else "lots"

    answer = client.generic(
        "POST", URL, form["data"], form["content_type"], CONTENT_LENGTH=understated
    )

    assert answer.status_code in (400, 413)
    assert_refused(answer, answer.status_code, answer.json()["code"])


def test_as_large_as_allowed_is_taken(anna, settings) -> None:
    settings.CHATKIT_MAX_ATTACHMENT_BYTES = len(TEXT)

    assert post(browser(anna), "a.txt", TEXT).status_code == 201


def test_only_so_many_wait_to_be_sent(anna, settings) -> None:
    settings.CHATKIT_WAITING_ATTACHMENTS = 2
    client = browser(anna)
    first, _second = post(client), post(client)

    third = post(client)

    assert (third.status_code, third.json()["code"]) == (409, "too_many_attachments")
    assert len(kept()) == Attachment.objects.count() == 2
    client.delete(f"{URL}{first.json()['id']}/")
    assert post(client).status_code == 201


def test_those_that_wait_have_a_size_together(anna, settings) -> None:
    settings.CHATKIT_WAITING_ATTACHMENT_BYTES = 2 * len(PNG)
    client = browser(anna)
    post(client), post(client)

    assert post(client).json()["code"] == "too_many_attachments"
    assert post(browser(VISITOR)).status_code == 201


def test_a_type_that_the_site_does_not_take_is_refused(anna, settings) -> None:
    settings.CHATKIT_ATTACHMENT_TYPES = ["image/png"]

    assert_refused(post(browser(anna), "a.txt", TEXT), 415, "attachment_type_refused")
    assert post(browser(anna)).status_code == 201


def test_nobody_uploads_nothing(anna) -> None:
    assert_refused(post(Client()), 403, "no_viewer")


@pytest.mark.parametrize("who", ["user", "visitor"])
def test_a_cookie_alone_uploads_and_removes_nothing(anna, who) -> None:
    client = browser(anna if who == "user" else VISITOR, enforce_csrf_checks=True)

    assert_refused(post(client), 403, "permission_denied")
    client.cookies["csrftoken"] = token = "t" * 32
    own = post(client, headers={"X-CSRFToken": token})
    assert own.status_code == 201
    path = f"{URL}{own.json()['id']}/"
    assert client.delete(path).json()["code"] == "permission_denied"
    assert client.delete(path, headers={"X-CSRFToken": token}).status_code == 204


@pytest.mark.parametrize("who", ["user", "visitor"])
def test_a_token_in_the_form_counts_and_the_limit_with_it(anna, settings, who) -> None:
    settings.CHATKIT_MAX_ATTACHMENT_BYTES = 1000
    client = browser(anna if who == "user" else VISITOR, enforce_csrf_checks=True)
    client.cookies["csrftoken"] = token = "t" * 32
    form = {"csrfmiddlewaretoken": token}

    large = client.post(URL, {**form, "file": SimpleUploadedFile("a.txt", b"x" * 1001)})
    assert_refused(large, 413, "attachment_too_large")
    small = client.post(URL, {**form, "file": SimpleUploadedFile("a.png", PNG)})
    assert small.status_code == 201


def test_a_storage_that_fails_leaves_no_row(anna, monkeypatch) -> None:
    storage = Attachment._meta.get_field("file").storage
    client = browser(anna)
    client.raise_request_exception = False

    def full(name, content, max_length=None):
        raise OSError("No space left on device")

    monkeypatch.setattr(storage, "save", full)

    assert post(client).status_code == 500
    assert not Attachment.objects.exists()


# Reading


def test_headers_let_nothing_run(anna) -> None:
    client = browser(anna)
    picture = fetch(client, post(client).json()["url"])
    paper = fetch(client, post(client, "Größe.pdf", GOOD["paper.pdf"][0]).json()["url"])

    for answer in (picture, paper):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"]
        assert policy == "sandbox; default-src 'none'"
        caching = answer.headers["Cache-Control"]
        assert {"private", "no-store"} <= set(caching.replace(" ", "").split(","))
    assert picture.headers["Content-Disposition"] == 'inline; filename="picture.png"'
    assert paper.headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.pdf"
    )
    assert int(picture.headers["Content-Length"]) == len(PNG)


def test_types_that_a_site_adds_are_served_as_bytes(anna, settings) -> None:
    settings.CHATKIT_ATTACHMENT_TYPES = ["image/svg+xml", "text/html"]
    client = browser(anna)

    for name, content in (HOSTILE["script in a drawing"], HOSTILE["page"]):
        answer = fetch(client, post(client, name, content).json()["url"])
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")


def test_it_is_told_until_when_it_waits(anna) -> None:
    client = browser(anna)
    told = post(client).json()

    assert client.get(f"{URL}{told['id']}/").json() == told


def test_what_is_foreign_missing_or_expired_is_the_same(anna) -> None:
    owner = browser(anna)
    path = f"{URL}{post(owner).json()['id']}/"
    others = [
        browser(VISITOR),
        browser(uuid4()),
        browser(get_user_model().objects.create_user("bob")),
        browser(
            make_staff("eve", "chatkit_app.view_content", "chatkit_app.view_thread")
        ),
        Client(),
    ]
    answers = [
        client.get(where)
        for client in others
        for where in (path, f"{path}content/", f"{URL}{uuid4()}/")
    ]

    assert {a.status_code for a in answers} == {404}
    assert len({a.content for a in answers}) == 1
    assert {c.delete(path).status_code for c in others[:4]} == {404}
    Attachment.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert owner.get(f"{path}content/").content == answers[0].content
    assert len(kept()) == 1


def test_after_logging_out_nothing_is_read(anna) -> None:
    client = browser(anna)
    url = post(client).json()["url"]
    client.logout()

    assert client.get(url).status_code == 404


def test_what_is_sent_is_read_by_whoever_may_read_the_thread(anna) -> None:
    client = browser(anna)
    url = post(client).json()["url"]
    thread = make_thread(anna)
    sent(Attachment.objects.get(), thread)
    permissions = ["chatkit_app.view_content", "chatkit_app.view_thread"]
    staff = make_staff("eve", *permissions)

    assert fetch(client, url).status_code == 200
    assert not AccessLog.objects.exists()
    assert browser(make_staff("max", permissions[1])).get(url).status_code == 404
    assert fetch(browser(staff), url).status_code == 200
    logged = AccessLog.objects.get()
    assert (logged.user, logged.thread_id, logged.action) == (
        staff,
        thread.pk,
        "read_content",
    )
    thread.deleted_at = timezone.now()
    thread.save()
    assert client.get(url).status_code == 404


def test_a_file_that_the_storage_has_lost_is_missing(anna) -> None:
    client = browser(anna)
    url = post(client).json()["url"]
    row = Attachment.objects.get()
    row.file.storage.delete(row.file.name)

    answer = client.get(url)

    assert (answer.status_code, answer.json()["code"]) == (404, "attachment_not_found")


@pytest.mark.parametrize("text", ["x", "00", "%00"])
def test_an_id_is_one(anna, text) -> None:
    answer = browser(anna).get(f"{URL}{text}/content/")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")


# Removing


@pytest.mark.django_db(transaction=True)
def test_what_was_not_sent_can_be_removed_with_its_file(anna) -> None:
    client = browser(anna)
    path = f"{URL}{post(client).json()['id']}/"

    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert not Attachment.objects.exists()
    assert kept() == []


def test_what_was_sent_stays(anna) -> None:
    client = browser(anna)
    path = f"{URL}{post(client).json()['id']}/"
    sent(Attachment.objects.get(), make_thread(anna))

    answer = client.delete(path)

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert len(kept()) == 1


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_nothing_else_can_be_done(anna, method) -> None:
    assert getattr(browser(anna), method)(URL).status_code == 405
