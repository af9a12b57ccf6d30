"""The house rules that a machine can keep: rooms, sizes, names, versions."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from chatkit_app import __version__

ROOT = Path(__file__).parent.parent
APP = ROOT / "chatkit_app"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

LONGEST = 400  # lines; three hundred are a full room
WRITTEN_BY_PEOPLE = {".py", ".js", ".css", ".html"}

# Modules without a test module of their own, by the reason why that is right.
TESTED_ELSEWHERE = {
    "values and interfaces without behaviour": {
        "api/operation.py",
        "api/shapes.py",
        "api/share_shapes.py",
        "api/versions.py",
        "engine/commands.py",
        "engine/messages.py",
        "engine/provider.py",
        "exceptions/requests.py",
        "exceptions/root.py",
        "exceptions/runs.py",
        "signals.py",
    },
    "tables; their rules are tested where rows are written": {
        "models/attachments.py",
        "models/base.py",
        "models/log.py",
        "models/people.py",
        "models/runs.py",
        "models/threads.py",
        "models/usage.py",
    },
}


def modules() -> Iterator[Path]:
    for path in sorted(APP.rglob("*.py")):
        inside = path.relative_to(APP)
        if path.name != "__init__.py" and inside.parts[0] != "migrations":
            yield inside


def mirror(module: Path) -> Path:
    return ROOT / "tests" / module.parent / f"test_{module.name}"


def test_every_module_has_its_test_module() -> None:
    elsewhere = set().union(*TESTED_ELSEWHERE.values())
    lonely = [
        str(module)
        for module in modules()
        if str(module) not in elsewhere and not mirror(module).exists()
    ]

    assert lonely == []


def test_the_list_of_modules_tested_elsewhere_is_no_longer_than_needed() -> None:
    stale = [
        name
        for names in TESTED_ELSEWHERE.values()
        for name in names
        if not (APP / name).exists() or mirror(Path(name)).exists()
    ]

    assert stale == []


def test_no_file_is_longer_than_a_room() -> None:
    too_long = {
        str(path.relative_to(ROOT)): length
        for path in APP.rglob("*")
        if path.suffix in WRITTEN_BY_PEOPLE
        if not {"vendor", "migrations"} & set(path.parts)
        if (length := len(path.read_text().splitlines())) > LONGEST
    }

    assert too_long == {}


def test_no_room_is_named_after_what_fits_nowhere() -> None:
    vague = re.compile(r"utils?|helpers?|managers?|handlers?|common|misc")

    assert [str(m) for m in modules() if vague.fullmatch(m.stem)] == []


def test_the_id_of_a_system_check_is_used_once() -> None:
    ids = Counter(
        node.value.value
        for path in (APP / "checks").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.keyword)
        and node.arg == "id"
        and isinstance(node.value, ast.Constant)
    )

    assert ids
    assert [id_ for id_, count in ids.items() if count > 1] == []
    assert all(re.fullmatch(r"chatkit(_app)?\.[EWI]\d{3}", str(id_)) for id_ in ids)


@pytest.mark.django_db
def test_the_migrations_are_in_step_with_the_models() -> None:
    call_command("makemigrations", "--check", "--dry-run", "chatkit_app", verbosity=0)


def requirements(lines: list[str]) -> set[str]:
    stripped = (line.split("#")[0].strip() for line in lines)
    return {line for line in stripped if line}


def test_the_demo_runs_on_what_the_package_asks_for() -> None:
    demo = requirements((ROOT / "requirements.txt").read_text().splitlines())
    package = set(PYPROJECT["project"]["dependencies"])

    assert package <= demo
    assert {re.split(r"[<>=~]", line)[0] for line in demo - package} == {
        "dj-database-url"
    }


def test_the_newest_heading_of_the_changelog_is_the_version() -> None:
    headings = re.findall(
        r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )

    assert headings[0] == ("Unreleased" if ".dev" in __version__ else __version__)


def test_the_linter_of_the_javascript_is_the_one_that_its_settings_speak_of() -> None:
    settings = json.loads((ROOT / "biome.json").read_text())
    packages = json.loads((ROOT / "package.json").read_text())

    assert packages["devDependencies"]["@biomejs/biome"] in settings["$schema"]


def test_the_files_that_the_wheel_must_bring_are_there() -> None:
    assert (APP / "py.typed").exists()
    assert (APP / "migrations" / "0001_initial.py").exists()
    assert list((APP / "static" / "chatkit_app").glob("*.js"))
    assert list((APP / "templates" / "chatkit_app").glob("*.html"))


def test_what_is_vendored_names_its_version_and_brings_its_licence() -> None:
    vendor = APP / "static" / "chatkit_app" / "vendor"
    table = (vendor / "README.md").read_text()
    packages = [path for path in vendor.iterdir() if path.is_dir()]

    assert packages
    for package in packages:
        assert re.search(rf"{package.name}.*\d+\.\d+\.\d+", table, re.IGNORECASE)
        assert (package / "LICENSE").exists()
