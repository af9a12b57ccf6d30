from __future__ import annotations

import pytest

from chatkit_app.checks.importing import imported, is_class_of

an_instance = ValueError()


def test_a_path_stands_for_what_it_names() -> None:
    assert imported("decimal.Decimal").__name__ == "Decimal"


@pytest.mark.parametrize("path", ["no.such", "nodot", "", ".x", None, 3, ValueError])
def test_what_names_nothing_is_none(path) -> None:
    assert imported(path) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("builtins.ValueError", True),
        ("builtins.UnicodeError", True),
        ("builtins.KeyError", False),
        (f"{__name__}.an_instance", False),
        ("no.such", False),
        (ValueError, False),
    ],
)
def test_a_class_is_of_its_base(path, expected) -> None:
    assert is_class_of(ValueError, path) is expected
