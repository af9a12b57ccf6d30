"""What the documentation says of names and numbers is what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from chatkit_app.conf import Settings

DOCS = Path(__file__).parent.parent / "docs"
WORDS = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "list[str]": "list of str",
    "list[Mapping[str, Any]]": "list of dict",
}


def settings_told() -> dict[str, tuple[str, str, str]]:
    """Type, unit and default of each setting on the page, by its name."""
    rows = re.findall(
        r"^\| `CHATKIT_(\w+)` \| (.*?) \| (.*?)\| `(.*?)` \|",
        (DOCS / "settings.md").read_text(),
        re.MULTILINE,
    )
    return {name: (type_, unit.strip(), default) for name, type_, unit, default in rows}


SETTINGS = {
    name: member
    for name, member in vars(Settings).items()
    if isinstance(member, property) and member.fget is not None
}


def test_the_page_of_settings_names_each_setting_and_no_other() -> None:
    assert list(settings_told()) == list(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_page_of_settings_tells_type_unit_and_default(name, settings) -> None:
    if hasattr(settings, f"CHATKIT_{name}"):
        delattr(settings, f"CHATKIT_{name}")
    declared = SETTINGS[name].fget.__annotations__["return"]

    type_, unit, default = settings_told()[name]

    assert type_ == WORDS.get(declared, "dict")
    assert ast.literal_eval(default) == getattr(Settings(), name)
    assert unit or type_ == "dict"
