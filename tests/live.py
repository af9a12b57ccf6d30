"""The test site as people meet it: a real Daphne in a process of its own, and pages that talk to it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import websockets

Frame = dict[str, Any]

ROOT = Path(__file__).parent.parent
WAIT = 30.0  # seconds until a frame that does not come fails the test
USERS = {"ann": "ann-pass", "bob": "bob-pass", "admin": "admin-pass"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


SERVERS = {
    "daphne": ("daphne", "-b", "127.0.0.1", "-p"),
    "uvicorn": ("uvicorn", "--host", "127.0.0.1", "--port"),
}


class Site:
    """The test site with a database of its own. ``kill`` is ``kill -9``; ``start`` brings it back."""

    def __init__(self, *, server: str = "daphne", **environment: str) -> None:
        self.server = server
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="chatkit-site-")
        self.folder = Path(self._folder.name)
        self.ledger = self.folder / "ledger.txt"
        self.log = self.folder / "server.log"
        self.gate = self.folder / "gate"
        self._database = self._name_database()
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "CHATKIT_TEST_DATABASE": self._database,
            "CHATKIT_TEST_LEDGER": str(self.ledger),
            "CHATKIT_TEST_GATE": str(self.gate),
            "CHATKIT_TEST_MEDIA": str(self.folder / "media"),
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def _name_database(self) -> str:
        if not os.environ.get("DATABASE_URL"):
            return str(self.folder / "db.sqlite3")
        name = f"chatkit_site_{uuid.uuid4().hex[:12]}"
        self._postgres(f'CREATE DATABASE "{name}"')
        return name

    def _postgres(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]  # names of our own

    def make(self, template: Site | None = None) -> Self:
        """Migrate and make the users, or take ``template``'s database as it is; then serve."""
        if template is not None:
            self._copy(template)
        else:
            self.migrate()
        return self.start()

    def migrate(self) -> Self:
        """Make the tables and the users."""
        self.run("migrate", "-v0")
        self.run("shell", "-c", MAKE_USERS, "-v0")
        return self

    def _copy(self, template: Site) -> None:
        if os.environ.get("DATABASE_URL"):
            self._postgres(f'DROP DATABASE "{self._database}"')
            self._postgres(
                f'CREATE DATABASE "{self._database}" TEMPLATE "{template._database}"'
            )
        else:
            shutil.copy(template._database, self._database)

    def run(self, *command: str) -> str:
        """A management command of the site; its output."""
        done = subprocess.run(
            [sys.executable, "-m", "django", *command],
            env=self.environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def shell(self, code: str) -> str:
        """What ``code`` prints, run with the site's models."""
        return self.run("shell", "-v0", "-c", code).strip()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database itself answers."""
        if os.environ.get("DATABASE_URL"):
            import psycopg

            url = os.environ["DATABASE_URL"]
            with psycopg.connect(url, dbname=self._database) as connection:
                return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]  # a query of ours
        with closing(sqlite3.connect(self._database)) as file:
            return file.execute(query).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody can write a run: a transaction of somebody else's does not end."""
        if os.environ.get("DATABASE_URL"):
            import psycopg

            url = os.environ["DATABASE_URL"]
            with psycopg.connect(url, dbname=self._database) as connection:
                connection.execute("LOCK TABLE chatkit_app_run IN EXCLUSIVE MODE")
                yield
        else:
            with closing(sqlite3.connect(self._database, timeout=20)) as file:
                file.execute("BEGIN IMMEDIATE")
                yield
                file.rollback()

    def let_go(self) -> None:
        """Let the tools and jobs go on that stand still until a test says so."""
        self.gate.touch()

    async def noted(self, line: str, times: int = 1) -> None:
        """Until the side effect has been written down so often, by whichever process."""
        async with asyncio.timeout(WAIT):
            while self._ledger_text().count(line) < times:  # noqa: ASYNC110 (others write it)
                await asyncio.sleep(0.02)

    def _ledger_text(self) -> str:
        return self.ledger.read_text() if self.ledger.exists() else ""

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    *SERVERS[self.server],
                    str(self.port),
                    "tests.asgi:application",
                ],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 90  # two cores, and others start beside it
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.url}/login/", timeout=1):  # noqa: S310
                    return self
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        raise AssertionError(
            f"The site did not come up:\n{self.log.read_text()[-4000:]}"
        )

    def beside(self, *, server: str = "", **environment: str) -> Twin:
        """Another process on the same database, which has a port of its own; not started."""
        return Twin(self, server or self.server, environment)

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[str]:
        """A worker on the same database; its output is there to be read. End it."""
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "django", "chatkit_worker", *options],
            env={**self.environment, **environment},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def tell(self, signum: int = signal.SIGTERM) -> None:
        """Send the server a signal, and go on."""
        assert self._process is not None
        self._process.send_signal(signum)

    def ended(self, seconds: float) -> int:
        """The exit code of a server that ends within so many seconds."""
        assert self._process is not None
        return self._process.wait(seconds)

    def kill(self) -> None:
        """As a crash would: no handler runs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)

    def close(self) -> None:
        self.stop()
        if os.environ.get("DATABASE_URL"):
            self._postgres(f'DROP DATABASE "{self._database}" WITH (FORCE)')
        self._folder.cleanup()


class Twin(Site):
    """A second process of a site: the same database and folder, another port and log."""

    def __init__(
        self, first: Site, server: str, environment: Mapping[str, str]
    ) -> None:
        self.server = server
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder, self.ledger = first.folder, first.ledger
        self.gate = first.gate
        self.log = first.folder / f"server-{self.port}.log"
        self._database = first._database
        self.environment = {**first.environment, **environment}
        self._process = None

    def close(self) -> None:
        """End it; the database is the first one's."""
        self.stop()


MAKE_USERS = f"""
from django.contrib.auth import get_user_model
for name, password in {USERS!r}.items():
    user = get_user_model().objects.create_user(name, password=password)
    user.is_staff = user.is_superuser = name == "admin"
    user.save()
"""


class Browser:
    """One visitor's cookies."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._jar)
        )

    def visit(self) -> Self:
        """Become an anonymous visitor who owns threads."""
        self.post("/chatkit/visitor/")
        return self

    def log_in(self, name: str) -> Self:
        self.get("/login/")
        self.post("/login/", {"username": name, "password": USERS[name]})
        return self

    def log_out(self) -> Self:
        self.post("/logout/", {})
        return self

    def get(self, path: str) -> str:
        with self._opener.open(self.site.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def post(self, path: str, data: Mapping[str, str] | None = None) -> str:
        form = dict(data or {})
        token = next(
            (cookie.value for cookie in self._jar if cookie.name == "csrftoken"), None
        )
        if token:
            form["csrfmiddlewaretoken"] = token
        request = urllib.request.Request(  # noqa: S310 (always the site's own address)
            self.site.url + path,
            data=urllib.parse.urlencode(form).encode(),
            method="POST",
        )
        with self._opener.open(request, timeout=10) as answer:
            return str(answer.read().decode())

    def post_json(self, path: str, data: Mapping[str, Any]) -> Any:
        """Send JSON as a page's script does, with its CSRF token."""
        return json.loads(self.post_text(path, json.dumps(data)))

    def post_text(self, path: str, text: str) -> bytes:
        """The same with a body as it stands, which may be no JSON at all; what is answered."""
        token = next(c.value for c in self._jar if c.name == "csrftoken")
        request = urllib.request.Request(  # noqa: S310 (always the site's own address)
            self.site.url + path,
            data=text.encode(),
            headers={"Content-Type": "application/json", "X-CSRFToken": str(token)},
        )
        with self._opener.open(request, timeout=10) as answer:
            return bytes(answer.read())

    @property
    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def page(self, **options: Any) -> Page:
        return Page(self, **options)


class Page:
    """A tab: one socket, which remembers every frame that it has seen."""

    def __init__(
        self,
        browser: Browser,
        *,
        origin: str | None = "own",
        tab: str = "",
        language: str = "",
        at: Site | None = None,
    ) -> None:
        self.browser = browser
        self._site = at or browser.site
        self._language = language
        self.tab = tab or uuid.uuid4().hex
        self.frames: list[Frame] = []
        self._origin = self._site.url if origin == "own" else origin
        self._socket: Any = None
        self._seen = 0

    async def __aenter__(self) -> Self:
        headers = {"Cookie": self.browser.cookie, "Accept-Language": self._language}
        headers = {name: value for name, value in headers.items() if value}
        self._socket = await websockets.connect(
            self._site.url.replace("http", "ws") + "/chatkit/ws/",
            origin=self._origin,  # type: ignore[arg-type]  # websockets has a type of its own for it
            additional_headers=headers,
            max_size=None,
            open_timeout=WAIT,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._socket.close()

    async def send_text(self, text: str | bytes) -> None:
        await self._socket.send(text)

    async def frame(self, **frame: Any) -> None:
        await self.send_text(json.dumps(frame))

    async def next(self) -> Frame:
        """The next frame, whatever it is."""
        async with asyncio.timeout(WAIT):
            self.frames.append(json.loads(await self._socket.recv()))
        return self.frames[-1]

    async def until(self, fits: Callable[[Frame], Any]) -> Frame:
        """The first frame that fits, among those not looked at yet and those to come."""
        try:
            async with asyncio.timeout(WAIT):
                while True:
                    while self._seen < len(self.frames):
                        self._seen += 1
                        if fits(self.frames[self._seen - 1]):
                            return self.frames[self._seen - 1]
                    await self.next()
        except TimeoutError:
            seen = "\n".join(json.dumps(frame)[:200] for frame in self.frames[-20:])
            raise AssertionError(
                f"The awaited frame did not come. The last:\n{seen}"
            ) from None

    async def event(self, kind: str, **fields: Any) -> Frame:
        """The event of this type whose fields have these values."""
        frame = await self.until(
            lambda frame: (
                frame["type"] == "event"
                and frame["event"]["type"] == kind
                and all(
                    frame["event"].get(key) == value for key, value in fields.items()
                )
            )
        )
        found: Frame = frame["event"]
        return found

    async def ask(self, type: str, **fields: Any) -> Frame:  # noqa: A002 (the frame's own word)
        """Send a command and wait for what comes of it: an accepted or an error frame."""
        command_id = fields.pop("id", None) or uuid.uuid4().hex
        await self.frame(type=type, id=command_id, **fields)
        return await self.outcome(command_id)

    async def outcome(self, command_id: str) -> Frame:
        while True:
            for frame in self.frames:
                if (
                    frame["type"] in ("accepted", "error")
                    and frame.get("id") == command_id
                ):
                    self.frames.remove(frame)
                    self._seen = min(self._seen, len(self.frames))
                    return frame
            await self.next()

    async def say(self, text: str, thread: str | None = None, **fields: Any) -> Frame:
        """Send a message and watch its thread."""
        accepted = await self.ask(
            "send", assistant="test", text=text, thread=thread, tab=self.tab, **fields
        )
        assert accepted["type"] == "accepted", accepted
        if thread is None:
            await self.frame(type="subscribe", thread=accepted["thread"])
        return accepted

    async def watch(self, thread: str, **cursor: Any) -> Frame:
        """Subscribe; the first frame that answers it."""
        await self.frame(type="subscribe", thread=thread, **cursor)
        return await self.until(
            lambda f: (
                f["type"] in ("reset", "position", "error")
                and f.get("thread") == thread
            )
        )

    async def waiting_call(self, thread: str, name: str | None = None) -> str:
        """The id of a client tool's call that is open now, from a snapshot of the thread."""
        async with asyncio.timeout(WAIT):
            while True:
                for call in calls_of(await self.snapshot(thread)):
                    if call["status"] == "waiting" and name in (None, call["name"]):
                        return str(call["id"])
                await self.next()

    async def snapshot(self, thread: str) -> Frame:
        """The thread as it stands, read through a socket of its own."""
        async with Page(self.browser, at=self._site) as other:
            frame = await other.watch(thread)
        assert frame["type"] == "reset", frame
        found: Frame = frame["snapshot"]
        return found

    async def shows(self, thread: str, text: str) -> None:
        """Wait until the newest answer says this."""
        async with asyncio.timeout(WAIT):
            while text_of(await self.snapshot(thread)) != text:
                await self.next()

    async def reached(self, *statuses: str) -> Frame:
        """The run, once it has one of these statuses: seen as an event or in a snapshot."""

        def fits(frame: Frame) -> bool:
            if frame["type"] == "reset":
                run = frame["snapshot"]["run"]
                return bool(run and run["status"] in statuses)
            event = frame.get("event", {})
            return event.get("type") == "run.changed" and event["status"] in statuses

        frame = await self.until(fits)
        run: Frame = (
            frame["snapshot"]["run"] if frame["type"] == "reset" else frame["event"]
        )
        return run

    async def call_reached(self, *statuses: str) -> Frame:
        """A tool call, once one has such a status: seen as an event or in a snapshot."""

        def found(frame: Frame) -> list[Frame]:
            if frame["type"] == "reset":
                calls = calls_of(frame["snapshot"])
            else:
                event = frame.get("event", {})
                calls = [event] if event.get("type") == "tool_call.changed" else []
            return [call for call in calls if call["status"] in statuses]

        return found(await self.until(found))[0]

    async def ended(self, status: str) -> Frame:
        """The run, once it has ended; with this status."""
        run = await self.reached("completed", "failed", "cancelled")
        assert run["status"] == status, run
        return run

    async def answer(
        self, thread: str, call: str, output: Any = None, **fields: Any
    ) -> Frame:
        return await self.ask(
            "answer",
            thread=thread,
            toolCall=call,
            tab=self.tab,
            output=output,
            **fields,
        )

    async def claim(self, thread: str, call: str) -> Frame:
        return await self.ask("claim", thread=thread, toolCall=call, tab=self.tab)

    async def closed(self) -> int:
        """The close code, once the server has closed."""
        async with asyncio.timeout(WAIT):
            try:
                while True:
                    self.frames.append(json.loads(await self._socket.recv()))
            except websockets.ConnectionClosed:
                return int(self._socket.close_code)


def calls_of(snapshot: Frame) -> list[Frame]:
    return parts_of(snapshot, "tool-call")


def parts_of(snapshot: Frame, kind: str) -> list[Frame]:
    return [
        part
        for message in snapshot["messages"]
        for part in message["parts"]
        if part["type"] == kind
    ]


def text_of(snapshot: Frame) -> str:
    """All that the assistant has said in the newest answer."""
    return "".join(
        part["content"]
        for part in snapshot["messages"][-1]["parts"]
        if part["type"] == "text"
    )


def positions(frames: list[Frame], thread: str) -> list[int]:
    return [
        f["position"] for f in frames if f["type"] == "event" and f["thread"] == thread
    ]
