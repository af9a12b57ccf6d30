"""The test site, with Celery: Redis as the broker where there is one, else a folder."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403 (a site's settings, and a few more)

INSTALLED_APPS = [
    *INSTALLED_APPS,  # noqa: F405 (from there)
    "tests.celery_site",
    "tests.celery_site.held",
]

CHATKIT_RUNNER = os.environ.get(
    "CHATKIT_TEST_RUNNER", "tests.celery_site.chat.CeleryRunner"
)

CELERY_IMPORTS = ["tests.celery_site.exports", "tests.celery_site.held.assistants"]
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("CHATKIT_TEST_QUEUE", "chatkit")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_URL = os.environ.get("REDIS_URL", "filesystem://")
if CELERY_BROKER_URL == "filesystem://":
    _folder = os.environ.get("CHATKIT_TEST_BROKER", "/tmp/chatkit-broker")  # noqa: S108 (made by the test)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": _folder,
        "data_folder_out": _folder,
        "control_folder": f"{_folder}/control",
    }
