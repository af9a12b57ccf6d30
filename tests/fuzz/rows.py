"""What both users have before anything is sent: printed as JSON, run in the site's shell.

Every text of a user's bears the user's own mark, which nobody else may ever read.
"""

from __future__ import annotations

import json

from django.contrib.auth import get_user_model

from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Thread
from chatkit_app.threads.sharing import share
from tests.fuzz.campaign import MARK
from tests.history_rows import Turn, make_thread


def plant(name: str) -> dict[str, list[str]]:
    """Ids by the name of a path's parameter."""
    user = get_user_model().objects.get(username=name)
    mark = MARK.format(name)
    names = ("thread", "message", "run", "call", "share")
    found: dict[str, list[str]] = {name: [] for name in names}
    for number in range(40):
        thread = make_thread(user, assistant="test", title=f"{mark} {number}")
        turn = Turn.begin(thread, f"Where? {mark}", depth=0)
        turn.say(mark)
        call = turn.call("add", output={"text": mark}, input={"text": mark})
        turn.end(status="completed" if number % 2 else "failed", error_text=mark)
        Thread.objects.filter(pk=thread.pk).update(metadata={"mark": mark})
        found["thread"].append(str(thread.pk))
        found["message"] += [str(turn.prompt.pk), str(turn.answer.pk)]
        found["run"].append(str(turn.run.pk))
        found["call"].append(str(call.pk))
        found["share"].append(str(share(Viewer(user=user), thread.pk)[0].pk))
    return found


def main() -> None:
    print(json.dumps({name: plant(name) for name in ("ann", "bob")}))  # noqa: T201 (its output)
