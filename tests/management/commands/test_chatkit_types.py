from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import tool, tool_definition
from chatkit_app.management.commands import chatkit_types
from chatkit_app.registry import Registry

mark = tool_definition(name="mark", description="Mark it.", output=bool)


@tool
def find(words: str) -> list[str]:
    """Find it."""
    return []


@tool
def broken(thing: object = object()) -> None:
    """Can't work."""


@pytest.fixture
def registry(monkeypatch) -> Registry:
    made = Registry()
    made.register(Assistant(name="shop", tools=[mark]))
    made.register(Assistant(name="desk", tools=[find]))
    monkeypatch.setattr(chatkit_types, "assistants", made)
    return made


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("chatkit_types", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("registry")
def test_all_assistants_are_written_to_the_standard_output() -> None:
    text = said()

    assert "export type ShopTools" in text
    assert "export type DeskTools" in text
    assert text.endswith("}\n")


@pytest.mark.usefixtures("registry")
def test_only_some_may_be_wanted() -> None:
    assert "ShopTools" not in said("--assistant", "desk")
    assert "ShopTools" in said("--assistant", "desk", "shop")
    assert "ShopTools" in said("--assistant", "desk", "--assistant", "shop")


@pytest.mark.usefixtures("registry")
def test_the_file_stands_alone() -> None:
    text = said()

    assert "import " not in text.replace("is imported here", "")
    assert "export interface ChatElement<T>" in text


@pytest.mark.usefixtures("registry")
def test_a_file_that_was_written_is_up_to_date(tmp_path) -> None:
    file = tmp_path / "tools.d.ts"

    assert said("--output", str(file)) == f"Wrote {file}.\n"
    assert said("--output", str(file), "--check") == f"{file} is up to date.\n"
    assert file.read_text() == said()


def test_a_tool_that_has_changed_is_found_and_shown(registry, tmp_path) -> None:
    file = tmp_path / "tools.d.ts"
    said("--output", str(file))
    before = file.read_text()
    registry.unregister("shop")
    changed = tool_definition(name="mark", description="Mark it.", output=int)
    registry.register(Assistant(name="shop", tools=[changed]))

    with pytest.raises(CommandError, match="is out of date") as refused:
        said("--output", str(file), "--check")

    assert "-  output: boolean\n-  answer: boolean\n+  output: number" in str(
        refused.value
    )
    assert refused.value.returncode == 1
    assert file.read_text() == before


@pytest.mark.usefixtures("registry")
def test_a_file_that_is_missing_is_not_up_to_date(tmp_path) -> None:
    with pytest.raises(CommandError, match="does not exist"):
        said("--output", str(tmp_path / "none.d.ts"), "--check")


@pytest.mark.usefixtures("registry")
def test_to_check_there_must_be_a_file() -> None:
    with pytest.raises(CommandError, match="--check needs --output"):
        said("--check")


@pytest.mark.usefixtures("registry")
def test_an_assistant_that_nobody_knows_is_told() -> None:
    with pytest.raises(CommandError, match="'shoe'; registered: desk, shop"):
        said("--assistant", "shoe")


def test_a_site_without_assistants_has_nothing_to_write(monkeypatch) -> None:
    monkeypatch.setattr(chatkit_types, "assistants", Registry())

    with pytest.raises(CommandError, match="There is no assistant"):
        said()


def test_tools_that_a_function_chooses_must_be_named(registry) -> None:
    registry.register(Assistant(name="hall", tools=lambda viewer, page: [mark]))

    with pytest.raises(CommandError, match="'hall' chooses its tools by a function"):
        said()


def test_tools_that_a_function_chooses_are_written_once_they_are_named(
    registry,
) -> None:
    registry.register(
        Assistant(name="hall", tools=lambda viewer, page: [mark], all_tools=[mark])
    )

    assert "export type HallTools = {\n  mark: MarkTool\n}" in said()


def test_a_tool_that_can_t_work_is_not_written(registry) -> None:
    registry.register(Assistant(name="hall", tools=[broken]))

    with pytest.raises(CommandError, match="broken: parameter 'thing'"):
        said()


@pytest.mark.usefixtures("registry")
def test_the_schemas_are_there_as_openapi_too(tmp_path) -> None:
    file = tmp_path / "tools.json"
    said("--openapi", "--output", str(file))

    schemas = json.loads(file.read_text())["components"]["schemas"]

    assert schemas["shop.mark.answer"] == {"type": "boolean"}
    assert said("--openapi", "--output", str(file), "--check").endswith("up to date.\n")
