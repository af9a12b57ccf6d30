"""What was built, in an environment that holds nothing else, on a site that is not ours."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from http.cookiejar import CookieJar
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from chatkit_app import __version__

pytestmark = [pytest.mark.package, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent
OF_AN_EXTRA = {"chatkit_app.api.schema": "drf_spectacular"}
"""Modules that nothing imports but where the package of their extra is installed."""
IMPORT_EVERYTHING = f"""
import importlib, pkgutil, django
django.setup()
import chatkit_app
for module in pkgutil.walk_packages(chatkit_app.__path__, "chatkit_app."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        if error.name != {OF_AN_EXTRA!r}.get(module.name):
            raise
print(chatkit_app.__file__)
"""


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A foreign project and the environment that it runs in."""

    home: Path
    python: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "DJANGO_SETTINGS_MODULE": "office.settings",
        }

    def manage(self, *arguments: str) -> str:
        return run(self.python, "manage.py", *arguments, cwd=self.home, env=self.env)


@pytest.fixture(scope="module")
def built() -> Path:
    """``dist``, with the archive of sources and the wheel that was built from it; no older ones."""
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    run(*build, ROOT, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("foreign")
    home = folder / "site"
    shutil.copytree(ROOT / "tests" / "foreign_site", home)
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    site = Site(home=home, python=folder / "venv" / "bin" / "python")
    run(site.python, "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    site.manage("migrate", "--verbosity=0")
    return site


@pytest.fixture(scope="module")
def address(site: Site) -> Iterator[str]:
    """Where the foreign site is served, by the Daphne that came with the wheel."""
    command = ("-m", "daphne", "-b", "127.0.0.1", "-p", "0", "office.asgi:application")
    site.manage("collectstatic", "--no-input", "--verbosity=0")
    with subprocess.Popen(
        [site.python, *command],
        cwd=site.home,
        env=site.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        for line in server.stderr:
            sys.stderr.write(line)
            if found := re.search(r"Listening on TCP address (127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("the server did not start")
        drain = Thread(
            target=lambda lines: sys.stderr.writelines(lines), args=[server.stderr]
        )
        drain.start()
        yield found[1]
        server.terminate()
        drain.join(10)


def test_the_wheel_holds_the_app_whole_and_nothing_else(wheel: Path) -> None:
    app = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "chatkit_app").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = set(zipfile.ZipFile(wheel).namelist())

    assert {name for name in packed if ".dist-info/" not in name} == app


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(archive.read(name).decode())

    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert set(metadata.get_all("Provides-Extra", [])) >= {"redis", "postgres"}
    assert len(metadata.get_payload()) > 1000, "the README is the page on PyPI"


def test_the_archive_of_sources_brings_no_database_and_no_demo(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        folders = {Path(name).parts[1] for name in archive.getnames()}

    assert folders <= {
        "chatkit_app",
        "docs",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "PKG-INFO",
        ".gitignore",
    }


def test_every_module_imports_with_nothing_but_what_the_wheel_asks_for(
    site: Site,
) -> None:
    told = run(
        site.python, "-W", "error", "-c", IMPORT_EVERYTHING, cwd=site.home, env=site.env
    )

    assert str(site.python.parent.parent) in told


def test_a_foreign_site_has_nothing_to_mend(site: Site) -> None:
    assert "no issues" in site.manage("check")
    assert "No changes" in site.manage("makemigrations", "--check", "--dry-run")


def test_the_static_files_are_collected_by_the_strict_storage(site: Site) -> None:
    site.manage("collectstatic", "--no-input")

    collected = site.home / "collected" / "chatkit_app"
    assert (collected / "index.js").exists()
    assert list(collected.rglob("LICENSE*"))


def test_the_tag_draws_the_chat(address: str) -> None:
    with urllib.request.urlopen(f"http://{address}/") as page:
        text = page.read().decode()

    assert "<chatkit-thread" in text
    assert re.search(r'src="/static/chatkit_app/define\.[0-9a-f]{12}\.js"', text)


def visit(address: str) -> str:
    """Open the chat as an anonymous visitor does; the cookie that says who it is."""
    jar = CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"http://{address}/chatkit/visitor/", data=b"").close()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


async def frame_of(socket: ClientConnection, *types: str) -> dict[str, Any]:
    """The next frame of one of these types; an error frame is a failure."""
    async for text in socket:
        frame: dict[str, Any] = json.loads(text)
        assert frame["type"] != "error", frame
        if frame["type"] in types:
            return frame
    pytest.fail("the socket was closed")


async def say(socket: ClientConnection, **frame: object) -> None:
    await socket.send(json.dumps(frame))


def parts_of(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for message in snapshot["messages"] for part in message["parts"]]


def waiting_call(frame: dict[str, Any]) -> str | None:
    """The client tool's call that this frame shows as one for a page to answer."""
    seen = parts_of(frame["snapshot"]) if frame["type"] == "reset" else [frame["event"]]
    for shown in seen:
        if shown.get("executor") == "client" and shown.get("status") == "waiting":
            return str(shown.get("toolCallId") or shown["id"])
    return None


async def converse(address: str) -> dict[str, Any]:
    """Ask, answer the client tool as a page does, and give the thread as it then stands."""
    async with connect(
        f"ws://{address}/chatkit/ws/",
        origin=Origin(f"http://{address}"),
        additional_headers={"Cookie": visit(address)},
    ) as socket:
        ask = {"assistant": "desk", "text": "Good morning", "tab": "t"}
        await say(socket, type="send", id="1", **ask)
        thread = (await frame_of(socket, "accepted"))["thread"]
        await say(socket, type="subscribe", thread=thread)
        call = None
        while call is None:
            call = waiting_call(await frame_of(socket, "reset", "event"))
        mine = {"thread": thread, "toolCall": call, "tab": "t"}
        await say(socket, type="claim", id="2", **mine)
        await say(socket, type="answer", id="3", output="badge 42", **mine)
        while not has_ended(await frame_of(socket, "event")):
            pass
        await say(socket, type="subscribe", thread=thread)
        snapshot: dict[str, Any] = (await frame_of(socket, "reset"))["snapshot"]
        return snapshot


def has_ended(frame: dict[str, Any]) -> bool:
    event = frame["event"]
    over = {"completed", "failed", "cancelled"}
    return event["type"] == "run.changed" and event["status"] in over


async def test_both_kinds_of_tools_make_the_round_trip_on_a_real_socket(
    address: str,
) -> None:
    async with asyncio.timeout(60):
        snapshot = await converse(address)

    assert snapshot["run"]["status"] == "completed"
    parts = parts_of(snapshot)
    outputs = {p["name"]: p["output"] for p in parts if p["type"] == "tool-call"}
    assert outputs == {"clock_in": "7 minutes late", "read_badge": "badge 42"}
    assert parts[-1]["content"] == "Good morning, both tools have answered."
