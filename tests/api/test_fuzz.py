"""The API against its own schema, with a few cases of each operation; `make fuzz` sends thousands."""

from __future__ import annotations

import pytest

from tests.fuzz.campaign import fuzz
from tests.live import Site


@pytest.mark.timeout(600)
def test_nothing_breaks_and_nobody_meets_what_is_anothers(site: Site) -> None:
    result = fuzz(site, "ann", examples=9, phases="fuzzing")

    assert result.cases >= 250, result.report
    assert not result.faults, result.report
    assert "Traceback" not in site.log.read_text()
