"""Print what an extra of pyproject.toml asks for, a line each.

python .ci/extras.py postgres redis > requirements.txt
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def extras(*names: str) -> list[str]:
    """The requirements of the extras of these names.

    Raises:
        KeyError: There is no extra of that name.
    """
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    optional: dict[str, list[str]] = project["optional-dependencies"]
    return [line for name in names for line in optional[name]]


if __name__ == "__main__":
    print("\n".join(extras(*sys.argv[1:])))
