"""Other processes on the database of a test: some are killed in the middle of what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from django.conf import settings
from django.db import connection

SET_UP = "import django; django.setup()\n"


def python(code: str) -> subprocess.Popen[str]:
    """A process with the site's models that runs this; wait for its end."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "CHATKIT_TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "CHATKIT_TEST_MEDIA": str(settings.MEDIA_ROOT),
    }
    return subprocess.Popen(
        [sys.executable, "-c", SET_UP + code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def killed(code: str) -> bool:
    """Run this until it kills itself; whatever else it says fails the test."""
    with python(code) as process:
        told, _ = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, told
    return True
