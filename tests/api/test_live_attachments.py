"""Uploads before a real server: bodies that don't say how long they are, and the bytes that come back."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from tests.live import Browser, Site
from tests.uploads import GOOD, PNG, URL, png, raw_form


def request(
    browser: Browser,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """As a page's script does it: with the cookies and the token. An iterator goes chunk by chunk."""
    browser.get("/")  # whose page brings the token
    jar = {cookie.name: cookie.value or "" for cookie in browser._jar}
    sent = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items()),
        "X-CSRFToken": jar.get("csrftoken", ""),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    line = http.client.HTTPConnection(urlsplit(browser.site.url).netloc, timeout=30)
    try:
        line.request(method, path, body, sent)
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        line.close()


def upload(browser: Browser, name: str, content: bytes) -> tuple[int, Any]:
    form = raw_form(name, content)
    kind = str(form["content_type"])
    status, _headers, body = request(
        browser, "POST", URL, form["data"], Content_Type=kind
    )
    return status, json.loads(body)


def kept(site: Site) -> int:
    folder = site.folder / "media" / "chatkit"
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_a_file_comes_back_byte_by_byte_through_an_asgi_server(
    visitor: Browser,
) -> None:
    content = png(700)
    status, told = upload(visitor, "large.png", content)
    assert status == 201

    status, headers, body = request(visitor, "GET", told["url"])

    assert (status, body) == (200, content)
    names = {name.lower(): value for name, value in headers.items()}
    assert names["content-type"] == "image/png"
    assert int(names["content-length"]) == len(content)


def test_several_pieces_are_told_in_their_order(visitor: Browser) -> None:
    content = b"".join(b"%07d\n" % number for number in range(80_000))
    _status, told = upload(visitor, "numbers.txt", content)

    assert request(visitor, "GET", told["url"])[2] == content


def test_a_body_that_does_not_say_how_long_it_is_brings_nothing(
    visitor: Browser, shared_site: Site
) -> None:
    before = kept(shared_site)
    form = raw_form("a.txt", b"x" * 10_000_001)
    whole = bytes(form["data"])
    pieces = (whole[at : at + 500_000] for at in range(0, len(whole), 500_000))

    status, _headers, body = request(
        visitor, "POST", URL, pieces, Content_Type=str(form["content_type"])
    )

    assert (status, json.loads(body)["code"]) == (400, "attachment_refused")
    assert kept(shared_site) == before


def test_a_visitor_keeps_their_files_when_they_log_in(visitor: Browser) -> None:
    _status, told = upload(visitor, "a.png", PNG)
    visitor.log_in("bob")
    assert request(visitor, "GET", told["url"])[0] == 200

    visitor.log_out()

    assert request(visitor, "GET", told["url"])[0] == 404


async def test_a_file_goes_over_a_socket_with_a_message(visitor: Browser) -> None:
    _status, told = upload(visitor, "paper.pdf", GOOD["paper.pdf"][0])
    async with visitor.page() as page:
        accepted = await page.say("say Look.", attachments=[told["id"]])
        await page.ended("completed")
        snapshot = await page.snapshot(accepted["thread"])

    file = snapshot["messages"][0]["parts"][1]
    assert (file["attachmentId"], file["url"]) == (told["id"], told["url"])
    assert "Got paper.pdf" in json.dumps(snapshot["messages"][1])
