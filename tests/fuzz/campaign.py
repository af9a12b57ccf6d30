"""One run of schemathesis against a live site, as one user with rows beside another's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

from tests.live import ROOT, Browser, Site

SCHEMA = "/chatkit/api/schema/"
MARK = "only-{}-may-read-this"
OTHER = {"ann": "bob", "bob": "ann"}
APART = {
    "chatkit_erase": "it leaves nothing to go on with",
}
"""Operations that have tests of their own instead, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``faults`` is 1 where there was any; ``report`` is what schemathesis has said."""

    cases: int
    faults: int
    report: str


def fuzz(
    site: Site, who: str, *, examples: int, phases: str = "", seed: int = 1
) -> Result:
    """Send what the schema allows, and what it does not."""
    rows = json.loads(site.shell("from tests.fuzz.rows import main; main()"))
    known = site.folder / f"fuzz-{who}.json"
    theirs = OTHER[who]
    known.write_text(
        json.dumps(
            {"mine": rows[who], "theirs": rows[theirs], "mark": MARK.format(theirs)}
        )
    )
    browser = Browser(site).log_in(who)
    token = re.search(r"csrftoken=(\w+)", browser.cookie)
    assert token
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", site.url + SCHEMA),
        *("--checks", "all", "--max-examples", str(examples), "--seed", str(seed)),
        *("--header", f"Cookie: {browser.cookie}"),
        *("--header", f"X-CSRFToken: {token[1]}"),
        *(word for name in APART for word in ("--exclude-operation-id", name)),
        *("--no-color", "--continue-on-failure"),
        *("--suppress-health-check", "too_slow"),  # a busy machine is no fault
        *(("--phases", phases) if phases else ()),
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        "CHATKIT_FUZZ": str(known),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command,
        env=environment,
        cwd=site.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    report = done.stdout + done.stderr
    found = re.search(r"([\d,]+) generated", report)
    cases = int(found[1].replace(",", "")) if found else 0
    return Result(cases=cases, faults=int(done.returncode != 0), report=report)
