from __future__ import annotations

import pytest

from chatkit_app.runs.local_runner import LocalRunner
from chatkit_app.runs.runner import Runner
from tests.checks.spoiling import PUBSUB, ids, only

IN_MEMORY = "channels.layers.InMemoryChannelLayer"
WORKERS = "chatkit_app.runs.worker_runner.WorkerRunner"


class MyRunner(Runner):
    """Abstract still: a check asks for its kind and does not make it."""


class MyLocalRunner(LocalRunner):
    pass


class NoRunner:
    pass


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{__name__}.MyRunner", []),
        ("no.such.runner", ["chatkit.E021"]),
        (f"{__name__}.NoRunner", ["chatkit.E021"]),
        (MyRunner, ["chatkit.E021"]),
    ],
)
def test_the_runner_is_the_path_of_a_runner(site, path, expected) -> None:
    site.CHANNEL_LAYERS = layer(PUBSUB)
    site.CHATKIT_RUNNER = path

    assert ids() == expected


@pytest.mark.parametrize("layers", [{}, {"other": {}}, None])
def test_a_site_without_a_layer_is_told_what_it_is_for(site, layers) -> None:
    site.CHANNEL_LAYERS = layers

    assert ids() == ["chatkit.W016"]


ENVIRONMENTS = [
    ("WEB_CONCURRENCY", "2"),
    ("UVICORN_WORKERS", "4"),
    ("GUNICORN_CMD_ARGS", "--bind=:80 --workers=3"),
    ("GUNICORN_CMD_ARGS", "--workers 3"),
    ("GUNICORN_CMD_ARGS", "-w 1 -w3"),
]
ALONE = [
    ("WEB_CONCURRENCY", "1"),
    ("WEB_CONCURRENCY", "many"),
    ("GUNICORN_CMD_ARGS", "--workers=1"),
    ("GUNICORN_CMD_ARGS", "--worker-class=uvicorn.workers.UvicornWorker"),
    ("GUNICORN_CMD_ARGS", "--workers=3 --workers=1"),
]


@pytest.mark.parametrize(("name", "value"), ENVIRONMENTS)
def test_several_processes_share_a_layer(site, monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)

    for layers in (layer(IN_MEMORY), {}, None):
        site.CHANNEL_LAYERS = layers
        assert ids() == ["chatkit.W035"]
        assert name in only().msg

    site.CHANNEL_LAYERS = layer(PUBSUB)
    assert ids() == []


@pytest.mark.parametrize(("name", "value"), ALONE)
def test_one_process_needs_none(site, monkeypatch, name, value) -> None:
    monkeypatch.setenv(name, value)

    assert ids() == []


@pytest.mark.parametrize("layers", [{"default": {"BACKEND": IN_MEMORY}}, {}])
def test_workers_and_web_processes_share_a_layer(site, layers) -> None:
    site.CHATKIT_RUNNER = WORKERS
    site.CHANNEL_LAYERS = layers

    assert ids() == ["chatkit.W035"]
    assert "CHATKIT_RUNNER" in only().msg

    site.CHANNEL_LAYERS = layer(PUBSUB)
    assert ids() == []


def test_a_runner_derived_from_the_local_one_is_local(site) -> None:
    site.CHATKIT_RUNNER = f"{__name__}.MyLocalRunner"

    assert ids() == []


def test_the_layer_that_drops_messages_is_told(site) -> None:
    site.CHANNEL_LAYERS = layer("channels_redis.core.RedisChannelLayer")

    assert ids() == ["chatkit.W036"]
    assert "pubsub" in str(only().hint)


def test_a_layer_derived_from_it_is_told_as_well(site) -> None:
    core = pytest.importorskip("channels_redis.core")
    globals()["Derived"] = type("Derived", (core.RedisChannelLayer,), {})
    site.CHANNEL_LAYERS = layer(f"{__name__}.Derived")

    assert ids() == ["chatkit.W036"]


def layer(path: str) -> dict[str, dict[str, str]]:
    return {"default": {"BACKEND": path}}
