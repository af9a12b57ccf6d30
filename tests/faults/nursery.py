"""A process in which the site is loaded, and which forks servers of it: ``-m tests.faults.nursery``.

Loading the site takes seconds of a busy machine; with it a killed server is back at once, so that a
minute is enough for many kills. It reads ``{"argv": […], "log": path}`` lines and answers with pids.
Daphne is loaded in the child: its reactor's file descriptors must not be shared.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import chatkit_app.providers.openai_chat  # noqa: F401 (loaded before the forks)
import tests.faults.site.asgi  # noqa: F401 (the whole site with it)
from tests.faults.processes import die_with_parent


def serve(argv: list[str], log: str) -> None:
    """Be a server; never returns."""
    os.setsid()
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    target = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    from daphne.cli import CommandLineInterface

    CommandLineInterface().run(argv)
    os._exit(0)


def main() -> None:
    """Fork one server a line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            serve(asked["argv"], str(Path(asked["log"])))
        print(pid, flush=True)


if __name__ == "__main__":
    main()
