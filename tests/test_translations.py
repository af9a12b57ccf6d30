"""Every word that the app marks for translation is in its German catalogue."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation.template import templatize
from django.utils.translation.trans_real import translation

APP = Path(__file__).parent.parent / "chatkit_app"
GIVES_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", *GIVES_CONTEXT}
TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
MARKED = re.compile(rf"\b(n?p?gettext)\(u?({TEXT}(?:\s*,\s*u?{TEXT})*)")


def in_module(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Which function marks which texts."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            if node.func.id in MARKS and texts:
                yield node.func.id, texts


def in_template(path: Path) -> Iterator[tuple[str, list[str]]]:
    for name, texts in MARKED.findall(templatize(path.read_text(), origin=str(path))):
        yield name, list(ast.literal_eval(f"[{texts}]"))


def key_of(name: str, texts: list[str]) -> str | tuple[str, int]:
    """As a catalogue has it: ``context\\x04text``, of several forms the first one's number beside it."""
    parts = texts[:2] if name in GIVES_CONTEXT else texts[:1]
    key = "\x04".join(parts)
    return (key, 0) if name.startswith(("ngettext", "npgettext")) else key


def marked(path: Path) -> set[str | tuple[str, int]]:
    found = in_module(path) if path.suffix == ".py" else in_template(path)
    return {key_of(name, texts) for name, texts in found}


SOURCES = [
    path
    for path in sorted([*APP.rglob("*.py"), *APP.rglob("templates/**/*.html")])
    if "migrations" not in path.parts and marked(path)
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(APP)))
def test_each_marked_text_has_its_german_words(path: Path) -> None:
    german = translation("de")._catalog  # ours, and what Django has itself

    assert sorted(str(key) for key in marked(path) if key not in german) == []


def test_both_kinds_of_sources_are_read() -> None:
    kinds = {path.suffix for path in SOURCES}
    every = set().union(*(marked(path) for path in SOURCES))

    assert kinds == {".py", ".html"}
    assert len(every) > 300
    assert any(isinstance(key, tuple) for key in every)
    assert any("\x04" in key for key in every if isinstance(key, str))
