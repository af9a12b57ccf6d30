from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from chatkit_app import checks
from chatkit_app.checks import registration
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool
from tests.checks.spoiling import ids_deployed, ours

HERE = Path(__file__).parent
ROOM = Path(checks.__file__).parent


@tool
def order_status(number: str) -> str:
    """Where an order is."""
    return number


def test_a_site_that_follows_the_documentation_passes(site) -> None:
    checks.assistants.assistants.register(Assistant(name="shop", tools=[order_status]))

    assert ours() == []
    assert ids_deployed() == []


def test_every_check_of_the_package_is_registered() -> None:
    written = {
        node.name
        for tree in trees(ROOM)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
    }
    registered = [*registration.ALWAYS, *registration.DEPLOYED]

    assert {check.__name__ for check in registered} == written
    assert len(registered) == len(written)


def test_every_id_is_in_a_test() -> None:
    named = {
        node.value
        for tree in trees(HERE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert {str(keyword(call, "id")) for call in complaints()} <= named


def test_every_complaint_says_what_to_do() -> None:
    assert [
        ast.unparse(call) for call in complaints() if not keyword(call, "hint")
    ] == []


def complaints() -> Iterator[ast.Call]:
    """Where an error or a warning is made."""
    found = [
        node
        for tree in trees(ROOM)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and keyword(node, "id")
    ]
    assert found
    yield from found


def keyword(call: ast.Call, name: str) -> object:
    """A constant's value, or the expression."""
    for given in call.keywords:
        if given.arg == name:
            value = given.value
            return value.value if isinstance(value, ast.Constant) else value
    return None


def trees(folder: Path) -> list[ast.Module]:
    return [ast.parse(path.read_text()) for path in sorted(folder.glob("*.py"))]
