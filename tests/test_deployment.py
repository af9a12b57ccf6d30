"""What docs/deploy.md shows are files, and the programs that they are for accept them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from chatkit_app.conf import Settings
from chatkit_app.models import Thread
from tests.history_rows import make_thread

ROOT = Path(__file__).parent.parent
FILES = ROOT / "docs" / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text()
SHOWN = dict(re.findall(r"<!-- (\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL))

nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
caddy = shutil.which("caddy")
systemd = shutil.which("systemd-analyze")
openssl = shutil.which("openssl")


def run(*command: str | Path, **environment: str) -> str:
    """What the program says; the test fails where it ends with an error."""
    ended = subprocess.run(
        command,
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    return said


def test_the_page_shows_each_file_as_it_is() -> None:
    assert {path.name: path.read_text() for path in FILES.iterdir()} == SHOWN


@pytest.mark.skipif(not nginx or not openssl, reason="needs nginx and openssl")
def test_nginx_takes_its_file(tmp_path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    run(
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=shop.example", "-keyout", key, "-out", certificate),
    )
    site = SHOWN["nginx.conf"]
    site = site.replace("/etc/ssl/shop.example.pem", str(certificate))
    site = site.replace("/etc/ssl/private/shop.example.key", str(key))
    (tmp_path / "site.conf").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{ }}\n"
        f"http {{ access_log off; include {tmp_path}/site.conf; }}\n"
    )

    assert "warn" not in run(nginx, "-t", "-p", tmp_path, "-c", tmp_path / "nginx.conf")


@pytest.mark.skipif(not caddy, reason="needs Caddy")
def test_caddy_takes_its_file() -> None:
    said = run(
        *(caddy, "validate", "--config", FILES / "Caddyfile"),
        *("--adapter", "caddyfile"),
    )

    assert "Valid configuration" in said


@pytest.mark.skipif(not systemd, reason="needs systemd-analyze")
@pytest.mark.parametrize("name", ["shop-web@.service", "shop-worker@.service"])
def test_systemd_takes_the_units(tmp_path, name) -> None:
    """But for the program and its folder, which are not on this machine."""
    unit = re.sub(r"/srv/shop/\.venv/bin/\w+", "/bin/true", SHOWN[name])
    (tmp_path / name).write_text(unit)

    assert run(systemd, "verify", tmp_path / name) == ""


def test_the_shell_reads_the_script() -> None:
    run("sh", "-n", FILES / "restart.sh")

    assert os.access(FILES / "restart.sh", os.X_OK)


SERVERS = {"daphne": "daphne", "uvicorn": "uvicorn", "chatkit_worker": "django"}


@pytest.mark.parametrize("server", SERVERS)
def test_the_servers_know_the_flags_that_they_are_given(server) -> None:
    pytest.importorskip(SERVERS[server])
    quoted = re.findall(rf"(?:bin/|manage\.py ){server} (.*?[^\\])\n", PAGE, re.DOTALL)
    program = ["-m", "django", server] if server == "chatkit_worker" else ["-m", server]

    said = run(
        *(sys.executable, *program, "--help"),
        DJANGO_SETTINGS_MODULE="tests.settings",
        COLUMNS="200",
    )

    assert quoted
    for flag in re.findall(r"(?<=\s)--?[a-z][\w-]*", " ".join(["", *quoted])):
        assert re.search(rf"(?<![\w-]){flag}\b", said), flag


def test_the_settings_are_those_that_the_checks_ask_for(tmp_path) -> None:
    pytest.importorskip("psycopg_pool")
    pytest.importorskip("channels_redis")
    (tmp_path / "deployed.py").write_text(
        "from project.settings import *\n"
        + SHOWN["settings.py"]
        + "\nSILENCED_SYSTEM_CHECKS = ['chatkit.I060']  # it tells, and complains of nothing\n"
    )

    said = run(
        *(sys.executable, "-m", "django", "check", "--deploy", "--tag", "chatkit"),
        *("--fail-level", "WARNING"),
        DJANGO_SETTINGS_MODULE="deployed",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
        DATABASE_URL="postgres://shop@127.0.0.1/shop",
        REDIS_URL="redis://127.0.0.1:6379/0",
        DJANGO_SECRET_KEY="for this test alone",
        WEB_CONCURRENCY="2",
    )

    assert "no issues" in said


def test_the_application_of_the_page_comes_up(tmp_path) -> None:
    (tmp_path / "uvloop.py").write_text(
        "from asyncio import DefaultEventLoopPolicy as EventLoopPolicy\n"
    )
    (tmp_path / "deployed.py").write_text(SHOWN["asgi.py"])

    run(
        *(sys.executable, "-c", "import deployed, gc; assert gc.get_freeze_count()"),
        DJANGO_SETTINGS_MODULE="tests.settings",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]),
    )


LIMITS = re.findall(
    r"^\|.*?\| `CHATKIT_(\w+)`.*?\| ([\d,]+)( kB)? \|", PAGE, re.MULTILINE
)


@pytest.mark.parametrize(("name", "number", "unit"), LIMITS)
def test_the_table_of_limits_tells_the_defaults(settings, name, number, unit) -> None:
    if hasattr(settings, f"CHATKIT_{name}"):
        delattr(settings, f"CHATKIT_{name}")
    told = int(number.replace(",", "")) * (1024 if unit else 1)

    assert told == getattr(Settings(), name)


@pytest.mark.django_db
@pytest.mark.postgres
def test_the_questions_are_answered() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("asks PostgreSQL's own tables")
    with connection.cursor() as cursor:
        for question in SHOWN["watch.sql"].split(";\n"):
            if question.strip():
                cursor.execute(question)
                cursor.fetchall()


@pytest.mark.django_db
def test_a_restored_copy_is_given_new_epochs(django_user_model) -> None:
    anna = django_user_model.objects.create_user("anna")
    threads = [make_thread(anna), make_thread(anna)]
    before = {thread.epoch for thread in threads}
    statements = re.findall(r"UPDATE chatkit_app_thread SET epoch = .*?;", PAGE)
    for_postgresql, for_sqlite = statements

    with connection.cursor() as cursor:
        cursor.execute(for_sqlite if connection.vendor == "sqlite" else for_postgresql)

    after = set(Thread.objects.values_list("epoch", flat=True))
    assert len(after) == 2
    assert after.isdisjoint(before)
