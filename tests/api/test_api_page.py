"""docs/api.md: what it shows is what happens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatkit_app.api.operations import CODES
from chatkit_app.engine.viewer import Viewer
from chatkit_app.threads.sharing import share
from tests.api.people import client_of
from tests.history_rows import Turn, make_thread

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
EXAMPLE = re.compile(
    r"```http\n(.*?)```\n```http\nHTTP/1\.1 (\d+) .*?\n\n(.*?)```", re.S
)


def examples() -> Iterator[object]:
    for asked, status, answer in EXAMPLE.findall(PAGE):
        head, _, body = asked.partition("\n\n")
        line = head.splitlines()[0]
        yield pytest.param(line, body, int(status), json.loads(answer), id=line)


@pytest.fixture
def places(anna) -> dict[str, str]:
    """The rows that the examples speak of."""
    thread = make_thread(anna, assistant="test", title="Where is my order 1042?")
    turn = Turn.begin(thread, "Where is my order 1042?", depth=0)
    turn.call("order_status", arguments='{"number":"1042"}', output={"status": "sent"})
    turn.end()
    other = make_thread(anna, assistant="test", title="Refund")
    failed = Turn.begin(other, "Refund it", depth=0)
    failed.end("failed")
    return {
        "thread": str(thread.pk),
        "answer": str(turn.answer.pk),
        "run": str(turn.run.pk),
        "failed_run": str(failed.run.pk),
        "token": share(Viewer(user=anna), thread.pk)[1],
    }


def same_shape(told: object, found: object, where: str = "") -> None:
    """The same names in the same order, with values of the same types."""
    if isinstance(told, dict):
        assert isinstance(found, dict), where
        assert list(told) == list(found), where
        for name, value in told.items():
            same_shape(value, found[name], f"{where}.{name}")
    elif isinstance(told, list):
        assert isinstance(found, list), where
        assert len(told) == len(found), where
        for one, other in zip(told, found, strict=True):
            same_shape(one, other, f"{where}[]")
    else:
        assert type(told) is type(found), f"{where}: {found!r}"


@pytest.mark.django_db
@pytest.mark.parametrize(("line", "body", "status", "told"), [*examples()])
def test_an_example_runs_as_it_is_shown(
    places, anna, recorded, line, body, status, told
) -> None:
    method, address = line.split(" ")
    for name, id_ in places.items():
        address = address.replace(f"{{{name}}}", id_)
    client = client_of(anna)

    answer = getattr(client, method.lower())(
        address, body, content_type="application/json"
    )

    assert answer.status_code == status, answer.content
    same_shape(told, answer.json())


def test_there_are_examples_of_all_that_matters() -> None:
    assert len(EXAMPLE.findall(PAGE)) >= 11
    assert PAGE.count("```http") == 2 * len(EXAMPLE.findall(PAGE))


def test_the_table_of_errors_has_every_code_that_the_schema_names() -> None:
    table = PAGE[PAGE.index("## Errors") :]
    for status, words in CODES.items():
        for code in re.findall(r"`([a-z_]+)`", words):
            assert f"`{code}`" in table, (status, code)
