"""What schemathesis is told: ids that exist, mine and theirs, and that theirs are never answered.

``CHATKIT_FUZZ`` is a file of JSON: ``{"mine": {parameter: ids}, "theirs": …, "mark": text}``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import strategies as st

FILES = (b"Hello.\n", b'{"a": 1}', b"a;b\n1;2\n")
schemathesis.openapi.format("binary", st.sampled_from(FILES))
"""A schema says nothing of which bytes are a file that is taken."""

KNOWN: dict[str, Any] = json.loads(Path(os.environ["CHATKIT_FUZZ"]).read_text())
THEIRS = {id_ for ids in KNOWN["theirs"].values() for id_ in ids}


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Of ten random ids seven become one of mine, two one of theirs."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    return {name: _id_for(name, value) for name, value in path_parameters.items()}


def _id_for(name: str, value: Any) -> Any:
    text = str(value)
    if name not in KNOWN["mine"] or len(text) != 36:
        return value
    number = sum(map(ord, text))
    whose = ("mine",) * 7 + ("theirs",) * 2 + ("",)
    chosen = whose[number % len(whose)]
    if not chosen:
        return value
    ids = KNOWN[chosen][name]
    return ids[number // 10 % len(ids)]


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Twisted, which is under Daphne, refuses a form of no parts itself: that request is none of ours."""
    return not (case.media_type == "multipart/form-data" and not case.body)


@schemathesis.check
def never_tells_what_is_anothers(context: Any, response: Any, case: Any) -> None:
    """Their words, and their ids, unless I have named them myself."""
    text = response.content.decode(errors="replace")
    assert KNOWN["mark"] not in text, "It tells what somebody else has said."
    named = json.dumps(case.path_parameters or {}) + json.dumps(
        case.query or {}, default=str
    )
    told = {id_ for id_ in THEIRS if id_ in text and id_ not in named}
    assert not told, f"It tells somebody else's ids: {told}"
