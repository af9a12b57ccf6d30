"""The planted faults fit the tree as it is: whoever changes an anchor moves it along."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, Misfit, apply, first_failure
from tests.mutants.mutant import Change, Mutant
from tests.mutants.planted import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_tree(mutant: Mutant, tmp_path: Path) -> None:
    for file in {change.file for change in mutant.changes}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)

    for change in mutant.changes:
        apply(change, tmp_path)

    for test in mutant.tests:
        assert (ROOT / test).exists()


def test_no_two_mutants_have_one_name() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("old", "new"), [("not there", "x"), ("a", "b"), ("one", "(")])
def test_a_change_that_does_not_fit_is_refused(
    old: str, new: str, tmp_path: Path
) -> None:
    (tmp_path / "file.py").write_text("a = 1\na = one\n")

    with pytest.raises(Misfit):
        apply(Change(file="file.py", old=old, new=new), tmp_path)


def test_the_test_that_failed_is_named() -> None:
    output = "..\nFAILED tests/runs/test_x.py::test_it - assert 1 == 2\n1 failed\n"
    assert first_failure(output) == "runs/test_x.py::test_it"
