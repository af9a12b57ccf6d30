"""Do several processes hear of each other, and does somebody carry the runs?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from channels.layers import InMemoryChannelLayer
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from chatkit_app.checks.importing import imported, is_class_of
from chatkit_app.conf import Settings
from chatkit_app.runs.local_runner import LocalRunner
from chatkit_app.runs.runner import Runner

COUNTS = ("WEB_CONCURRENCY", "UVICORN_WORKERS")
"""Environment from which servers take their number of processes (Gunicorn and Uvicorn; Uvicorn)."""
GUNICORN = "GUNICORN_CMD_ARGS"
GUNICORN_WORKERS = re.compile(r"(?:^|\s)(?:-w\s*|--workers[=\s]\s*)(\d+)")

USE_REDIS = '{"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": […]}}'


def check_runner(**_: Any) -> Iterator[CheckMessage]:
    """The runner is one."""
    if not is_class_of(Runner, path := Settings().RUNNER):
        yield Error(
            f"CHATKIT_RUNNER: {path!r} is no runner.",
            hint="The dotted path of a subclass of chatkit_app.runs.runner.Runner.",
            id="chatkit.E021",
        )


def check_layer(**_: Any) -> Iterator[CheckMessage]:
    """Several processes reach each other."""
    layer = _default_layer()
    several = sign_of_several()
    is_local = is_class_of(InMemoryChannelLayer, layer)
    if several and (layer is None or is_local):
        found = "is in memory" if is_local else "has no default"
        yield Caution(
            f"CHANNEL_LAYERS {found}, and {several}: processes hear of each other's events"
            " up to a second late.",
            hint=f"Set CHANNEL_LAYERS['default'] to {USE_REDIS}.",
            id="chatkit.W035",
        )
    elif layer is None:
        yield Caution(
            "CHANNEL_LAYERS has no default: several processes see each other's events up"
            " to a second late.",
            hint="Set it up with channels_redis; one process alone may silence this.",
            id="chatkit.W016",
        )
    elif _is_redis_core(layer):
        yield Caution(
            "CHANNEL_LAYERS uses channels_redis.core: it drops messages when its queues are"
            " full, costs several times as much, and fails with each restart of Redis.",
            hint="Use channels_redis.pubsub.RedisPubSubChannelLayer, with the same hosts.",
            id="chatkit.W036",
        )


def _default_layer() -> str | None:
    layers = getattr(django_settings, "CHANNEL_LAYERS", None)
    declared = layers.get("default") if isinstance(layers, Mapping) else None
    return declared.get("BACKEND") if isinstance(declared, Mapping) else None


def _is_redis_core(path: str) -> bool:
    """By name, since the package need not be installed where the settings are checked."""
    found = imported(path)
    lineage = found.__mro__ if isinstance(found, type) else ()
    names = {f"{each.__module__}.{each.__qualname__}" for each in lineage}
    return "channels_redis.core.RedisChannelLayer" in {path, *names}


def sign_of_several() -> str:
    """What tells that the site is more than one process; empty where nothing does."""
    for name in COUNTS:
        if (found := os.environ.get(name, "")).isdecimal() and int(found) > 1:
            return f"{name} is {found}"
    found = "".join(GUNICORN_WORKERS.findall(os.environ.get(GUNICORN, ""))[-1:])
    if found and int(found) > 1:
        return f"{GUNICORN} asks for {found} workers"
    path = Settings().RUNNER
    if is_class_of(Runner, path) and not is_class_of(LocalRunner, path):
        return f"CHATKIT_RUNNER is {path}, not the local runner"
    return ""
