"""A process that is told to end. What a whole server does is tested in test_deploy.py."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from chatkit_app.runs import draining as module
from chatkit_app.runs.draining import Draining, end_hard
from tests.live import ROOT


class Door:
    """A socket that knows whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def restart(self) -> None:
        self.is_closed = True


def test_a_process_that_is_no_server_keeps_its_handlers() -> None:
    draining, before = Draining(), signal.getsignal(signal.SIGTERM)
    assert not callable(before)

    draining.watch()

    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_than_the_main_one_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draining = Draining()
    monkeypatch.setattr(module.signal, "getsignal", lambda _signum: print)
    thread = threading.Thread(target=draining.watch)
    thread.start()
    thread.join()

    assert signal.getsignal(signal.SIGTERM) is print or not draining._before


async def test_what_has_joined_is_closed_and_what_has_parted_is_not() -> None:
    draining, here, gone = Draining(), Door(), Door()
    draining.join(here)
    draining.join(gone)
    draining.part(gone)

    await asyncio.to_thread(draining._drain, signal.SIGTERM)

    assert (here.is_closed, gone.is_closed) == (True, False)


def test_a_socket_whose_loop_is_closed_stops_nobody() -> None:
    draining, door = Draining(), Door()

    async def join() -> None:
        draining.join(door)

    asyncio.run(join())
    draining._drain(signal.SIGTERM)

    assert not door.is_closed


SERVER = """
import os, signal, sys, threading, time
import django
django.setup()
from chatkit_app.runs.draining import Draining
from chatkit_app.runs.runner import Runner, runner

class Slow(Runner):
    def start(self): pass
    def submit(self, run_id): pass
    def cancel(self, run_id): pass
    def stop(self): pass
    def drain(self, seconds):
        print("draining", flush=True)
        time.sleep(float(sys.argv[1]))

def server(signum, frame):
    print("server", signum, flush=True)
    sys.exit(7)

if sys.argv[2] == "handler":
    signal.signal(signal.SIGTERM, server)
    signal.signal(signal.SIGINT, server)
elif sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, lambda *told: None)
runner.use(Slow())
Draining().watch()
print("ready", flush=True)
while True:
    time.sleep(0.1)  # as servers do: a signal just before a long sleep is noticed after it
"""


def serve(seconds: float, kind: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(seconds), kind],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_the_servers_own_handler_has_its_turn_when_all_is_drained() -> None:
    process = serve(0.2, "handler")

    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=5)

    assert said.splitlines() == ["draining", "server 15"]
    assert process.returncode == 7


def test_a_ctrl_c_and_its_echo_by_a_parent_are_one_signal() -> None:
    process = serve(0.3, "handler")

    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=5)

    # Which of the two the kernel delivers first is its own affair.
    assert said.splitlines()[0] == "draining"
    assert said.splitlines()[1].startswith("server ")


def test_the_same_signal_after_a_while_ends_it_at_once() -> None:
    process = serve(1.5, "handler")
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "draining\n"
    time.sleep(module.TOGETHER_SECONDS)
    began = time.monotonic()

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)

    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - began < 0.5


def test_a_signal_that_comes_twice_at_once_is_one() -> None:
    process = serve(0.2, "handler")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=5)

    assert process.returncode == 7
    assert said.splitlines()[0] == "draining"
    assert said.splitlines()[1].startswith("server ")


@pytest.mark.parametrize(("seconds", "kind"), [(0.0, "deaf"), (60.0, "handler")])
def test_it_ends_in_time_where_server_or_runner_do_not_come_to_an_end(
    seconds: float, kind: str
) -> None:
    process = serve(seconds, kind)
    began = time.monotonic()

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)

    assert process.returncode == 0
    assert time.monotonic() - began < 2.0


def test_the_hard_end_comes_after_the_grace_and_before_the_limit(
    monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    settings.CHATKIT_EXIT_SECONDS = 2.0
    begun: list[float] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, *_what: object) -> None:
            begun.append(seconds)

        def start(self) -> None:
            assert self.daemon

    monkeypatch.setattr(threading, "Timer", Timer)

    end_hard()
    end_hard(after=600.0)

    assert 0 < begun[0] < 2.0
    assert 600.0 < begun[1] < 602.0
