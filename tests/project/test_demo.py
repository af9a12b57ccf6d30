from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parent.parent.parent
NOT_PASSED_ON = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int, **environment: str) -> subprocess.Popen[str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_PASSED_ON and not name.startswith("OPENAI_")
    }
    return subprocess.Popen(
        [sys.executable, "-m", "project.demo"],
        cwd=ROOT,
        env=kept | {"DEMO_FOLDER": str(folder), "PORT": str(port)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def demo(
    folder: Path, port: int, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    process = start(folder, port, **environment)
    try:
        wait_for(process, port)
        yield process
    finally:
        process.kill()
        if process.stdout and not process.stdout.closed:
            process.communicate()  # and its pipe is closed


def wait_for(process: subprocess.Popen[str], port: int) -> None:
    """Until it answers; an early end fails with its words."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(process.communicate()[0])
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except (URLError, ConnectionError):
            time.sleep(0.1)
    pytest.fail("The demo does not answer.")


def stopped(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    return told


def test_the_demo_starts_from_nothing_and_again_and_ends_at_ctrl_c(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        port = free_port()
        with demo(tmp_path, port) as process:
            told = stopped(process)

        assert f"http://127.0.0.1:{port}/" in told
        assert "ada-demo" in told
        assert "SCRIPTED ANSWERS" in told
        assert "Traceback" not in told
    assert {"db.sqlite3", "secret_key"} <= {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_real_model_is_named(tmp_path: Path) -> None:
    port = free_port()
    with demo(
        tmp_path,
        port,
        OPENAI_BASE_URL="http://127.0.0.1:9/v1",
        OPENAI_API="chat",
        OPENAI_MODEL="m7",
    ) as process:
        told = stopped(process)

    assert "m7 at http://127.0.0.1:9/v1 (Chat Completions API)" in told
    assert "SCRIPTED" not in told


def test_a_port_in_use_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(tmp_path, taken.getsockname()[1])
        told, _ = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert "can't be used" in told
    assert "Traceback" not in told
