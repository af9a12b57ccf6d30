"""Files as visitors send them, and as those send them who try what happens. Small, and made by hand."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chatkit_app.access import VISITOR_KEY
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Attachment
from chatkit_app.threads.attachments import take

URL = "/chatkit/api/attachments/"
CANARY = "globalThis.canary = 1"


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(side: int = 1) -> bytes:
    """A red square."""
    row = b"\0" + b"\xff\0\0" * side
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(row * side))
        + _chunk(b"IEND", b"")
    )


PNG = png()
GIF = bytes.fromhex(
    "47494638396101000100800000ff0000ffffff2c00000000010001000002024401003b"
)
JPEG = (
    bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
    + b"\x12" * 40
    + b"\xff\xd9"
)
WEBP = (
    b"RIFF"
    + struct.pack("<I", 22)
    + b"WEBPVP8L"
    + struct.pack("<I", 10)
    + b"\x2f"
    + b"\0" * 9
)
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
TEXT = "Grüße aus Köln\n".encode()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        found.writestr("run.js", CANARY)
    return file.getvalue()


SVG = (
    f'<svg xmlns="http://www.w3.org/2000/svg"><script>{CANARY}</script></svg>'.encode()
)
HTML = f"<!doctype html><script>{CANARY}</script>".encode()
GIF_SCRIPT = f"GIF89a/*{' ' * 20}*/=1;{CANARY};//;".encode()

GOOD = {
    "picture.png": (PNG, "image/png"),
    "picture.gif": (GIF, "image/gif"),
    "picture.jpg": (JPEG, "image/jpeg"),
    "picture.webp": (WEBP, "image/webp"),
    "paper.pdf": (PDF, "application/pdf"),
    "notes.txt": (TEXT, "text/plain"),
    "notes.md": (b"# Notes", "text/markdown"),
    "table.csv": (b"a;b\n1;2\n", "text/csv"),
    "data.json": (b'{"a": 1}', "application/json"),
}

HOSTILE = {
    "script in a drawing": ("drawing.svg", SVG),
    "drawing behind a declaration": ("a.png", b'<?xml version="1.0"?>\n<!-- -->' + SVG),
    "drawing that is called a text": ("notes.txt", b"\xef\xbb\xbf \n" + SVG),
    "page": ("page.html", HTML),
    "page that is called a picture": ("picture.png", HTML),
    "GIF that is a script": ("a.gif", GIF_SCRIPT),
    "GIF that is a wide script": ("a.gif", GIF[:6] + b"/*" + GIF[8:-1] + b"*/=1;//;"),
    "GIF with a script behind it": ("a.gif", GIF + f"/*\0*/;{CANARY}".encode()),
    "GIF with a page in a comment": (
        "a.gif",
        GIF[:-1] + b"!\xfe\x08<script>\0;",
    ),
    "PDF that is a page": ("a.pdf", b"%PDF-1.4\n" + HTML + b"\n%%EOF\n"),
    "page that ends as a PDF": ("a.pdf", HTML + PDF),
    "PDF that is an archive": ("a.pdf", PDF + archive() + b"\n%%EOF\n"),
    "PNG that is an archive": ("a.png", PNG + archive()),
    "PNG with an archive in it": (
        "a.png",
        PNG[:-12] + _chunk(b"zIPp", archive()) + PNG[-12:],
    ),
    "JPEG that is an archive": ("a.jpg", JPEG + archive()),
    "JPEG that is a script": ("a.jpg", JPEG[:4] + b"/*" + JPEG[6:]),
    "JPEG with a page in it": ("a.jpg", JPEG[:-2] + HTML + JPEG[-2:]),
    "WebP with something behind it": ("a.webp", WEBP + b"alert(1)"),
    "half a picture": ("a.png", PNG[:-20]),
    "program": ("setup.exe", b"MZ\x90\0\x03\0\0\0" + b"\0" * 60),
    "program that is called a picture": ("a.png", b"\x7fELF\x02\x01\x01" + b"\0" * 60),
    "archive": ("a.zip", archive()),
    "bytes of no kind": ("a.txt", bytes(range(256))),
}


def browser(who: object, **options: Any) -> Client:
    """The browser of a user, or of the visitor whom a UUID names."""
    client = Client(**options)
    if isinstance(who, UUID):
        session = client.session
        session[VISITOR_KEY] = str(who)
        session.save()
        client.cookies["sessionid"] = session.session_key or ""
    else:
        client.force_login(who)  # type: ignore[arg-type]  # the test's own user
    return client


def post(
    client: Client, name: str = "picture.png", content: bytes = PNG, **more: Any
) -> Any:
    """Upload it."""
    return client.post(URL, {"file": SimpleUploadedFile(name, content)}, **more)


def raw_form(name: str, content: bytes, *, field: str = "file") -> dict[str, Any]:
    """A body as no browser would write it: the name goes as it stands."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    body = b"--b\r\n" + head.encode() + content + b"\r\n--b--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=b"}


def kept() -> list[str]:
    """The files that lie in the storage."""
    folder = Path(default_storage.path("chatkit"))
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def attachment_of(
    owner: object, content: bytes = PNG, name: str = "picture.png"
) -> Attachment:
    """What is there after an upload of a user's, or of the visitor whom a UUID names."""
    is_visitor = isinstance(owner, UUID)
    viewer = Viewer(visitor=owner) if is_visitor else Viewer(user=owner)  # type: ignore[arg-type]  # one of the two
    return take(viewer, io.BytesIO(content), name)
