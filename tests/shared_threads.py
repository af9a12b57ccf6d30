"""Threads to be shared: chained as runs chain them, with a secret in all that no link may show."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from chatkit_app.models import Message, Part, Thread
from tests.history_rows import Turn, make_thread

SECRET = "zebra-crossing"


def chain(
    thread: Thread, count: int, *, below: Message | None = None, name: str = ""
) -> list[Message]:
    """``count`` questions with their answers, each below the one before; all messages, oldest first."""
    found = [below] if below else []
    for number in range(count):
        depth = found[-1].depth + 1 if found else 0
        turn = Turn.begin(thread, f"{name}Question {number}", depth=depth)
        turn.say(f"{name}Answer {number}")
        turn.end()
        if found:
            Message.objects.filter(pk=turn.prompt.pk).update(parent=found[-1])
        found += [turn.prompt, turn.answer]
    return found[1:] if below else found


def hide(*messages: Message) -> None:
    """Another branch has been shown."""
    Message.objects.filter(pk__in=[each.pk for each in messages]).update(is_shown=False)


def full_thread(owner: object) -> Thread:
    """One turn with everything that a turn can have; what may not be told holds the secret."""
    thread = make_thread(owner, title="A trip")
    Thread.objects.filter(pk=thread.pk).update(
        metadata={"note": SECRET}, external_id=SECRET
    )
    turn = Turn.begin(thread, "Where to?", depth=0)
    Message.objects.filter(pk=turn.prompt.pk).update(
        metadata={"page": SECRET}, client_id=SECRET
    )
    data = {"name": "map.png", "mediaType": "image/png", "size": 7, "note": SECRET}
    Part.objects.create(
        message=turn.prompt,
        index=1,
        kind="file",
        state="complete",
        data=data,
        position=1,
    )
    turn.say(SECRET, kind="reasoning")
    told = {"input": {"word": SECRET}, "arguments": f'{{"word": "{SECRET}"}}'}
    turn.call("find_route", output={"word": SECRET}, **told)
    turn.call("book", status="failed", error_code="x", error_text=SECRET, **told)
    turn.begin_step(1, status="void")
    turn.say(SECRET)
    turn.begin_step(2)
    turn.say("To the sea.")
    turn.end()
    reply = Message.objects.create(
        thread=thread,
        parent=turn.answer,
        depth=2,
        role="assistant",
        status="complete",
        author=get_user_model().objects.create_user(
            "sue@desk.example", first_name="Sue", is_staff=True
        ),
    )
    Part.objects.create(
        message=reply,
        index=0,
        kind="text",
        state="complete",
        text="Or not.",
        position=1,
    )
    return thread
