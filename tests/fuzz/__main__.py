"""``python -m tests.fuzz [examples]``: schemathesis with all checks, as each of two users.

``examples`` is how many cases each operation gets in a phase, for each user; 30 by default, which
makes several thousand.
"""

from __future__ import annotations

import sys

from tests.fuzz.campaign import fuzz
from tests.live import Site


def main() -> int:
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    site = Site()
    try:
        site.make()
        results = [fuzz(site, who, examples=examples) for who in ("ann", "bob")]
    finally:
        site.close()
    for result in results:
        print(result.report)  # noqa: T201 (a command line prints)
    cases = sum(result.cases for result in results)
    print(f"{cases} cases, {sum(r.faults for r in results)} runs with faults")  # noqa: T201
    return int(any(result.faults for result in results))


if __name__ == "__main__":
    sys.exit(main())
