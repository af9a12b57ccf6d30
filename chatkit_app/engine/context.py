"""What a server tool is given beside its arguments: who, where, and ways to speak while it works."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic
from uuid import UUID

from pydantic import JsonValue
from typing_extensions import TypeVar

from chatkit_app.engine.assembler import sound, sound_json
from chatkit_app.engine.questions import Question, question_of
from chatkit_app.engine.telling import Told
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import QuestionInvalid, ToolCancelled

Deps = TypeVar("Deps", default=Any)
"""The type of what ``Assistant(dependencies=…)`` makes."""


class Silence:
    """Where nobody hears what is told: for tools that are called by themselves, as in tests."""

    def progress(self, text: str, fraction: float | None) -> None:
        """Nothing."""

    def notice(self, level: str, title: str, text: str) -> None:
        """Nothing."""

    def effect(self, name: str, data: JsonValue) -> None:
        """Nothing."""

    def preliminary(self, output: JsonValue) -> None:
        """Nothing."""


class Done:
    """What telling returns: it has happened; awaiting it costs nothing."""

    def __await__(self) -> Generator[None, None, None]:
        """Ready at once."""
        yield from ()


DONE = Done()


KEY_CHARS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answer to a question, as it was stored; ``is_skipped``: nobody wanted to say.

    ``question`` and ``arguments`` are what was asked. ``value`` is what the tool gets, and ``fault``
    why it gets none, once the answer ``is_read``.
    """

    answer: JsonValue = None
    is_skipped: bool = False
    question: str = ""
    arguments: Mapping[str, JsonValue] | None = None
    is_read: bool = False
    value: Any = None
    fault: QuestionInvalid | None = None

    def read_as(self, question: Question | None) -> Answered:
        """The same, read; as it is where it was an answer to something else."""
        if question is None or self.is_skipped:
            return self
        try:
            value = question.value(self.answer, self.arguments)
        except QuestionInvalid as error:
            return replace(self, is_read=True, fault=error)
        return replace(self, is_read=True, value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that a tool asks in the middle of its work."""

    question: Question
    key: str
    message: str
    arguments: Any = None  # JSON, an object's or None
    initial: JsonValue = None


class Suspended(BaseException):
    """Leaves a tool that asks: it is entered again with the answer. No ``Exception``, as no tool's
    ``except`` is meant to see it."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked.key)
        self.asked = asked


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext(Generic[Deps]):
    """What a server tool may know of the run that calls it.

    ``tool_call_id`` is the same when a call is repeated after a crash or an answer: use it as the key
    of idempotency. ``page`` is what the page told of itself, an instance of the assistant's page
    model: validated, and as untrusted as every input. ``dependencies`` is what
    ``Assistant(dependencies=…)`` has made for this run. ``is_approved``: a person lets this call run.
    """

    viewer: Viewer
    thread_id: UUID
    run_id: UUID
    tool_call_id: UUID
    assistant: str = ""
    page: Any = None  # the assistant's own model
    dependencies: Deps = None  # type: ignore[assignment]  # the assistant says what it is
    teller: Told = field(default_factory=Silence)
    cancelled: Callable[[], bool] = field(default=lambda: False)
    is_approved: bool = False
    questions: tuple[type, ...] = ()
    answers: Mapping[str, Answered] = field(default_factory=dict)

    @property
    def user(self) -> Any:
        """The site's user, None for an anonymous visitor (Any: only the site knows its type)."""
        return self.viewer.user

    @property
    def is_cancelled(self) -> bool:
        """Does nobody want the result any more? Long loops ask now and then, from any thread."""
        return self.cancelled()

    def check_cancelled(self) -> None:
        """Leave the tool if nobody wants its result any more.

        Raises:
            ToolCancelled: So it is.
        """
        if self.cancelled():
            raise ToolCancelled("Nobody waits for this call any more.")

    def progress(self, fraction: float | None = None, text: str = "") -> Done:
        """Tell how far it is; ``fraction`` is 0..1. Returns at once, from any thread.

        What it and its siblings return may be awaited, and needn't be.
        """
        self.teller.progress(str(text), fraction)
        return DONE

    def notice(self, text: str, level: str = "info", title: str = "") -> Done:
        """Tell the visitor something; ``level`` is ``info``, ``warning`` or ``danger``."""
        self.teller.notice(str(level), str(title), str(text))
        return DONE

    def effect(self, name: str, data: JsonValue = None) -> Done:
        """Let the page do something, if it knows how to; nobody answers."""
        self.teller.effect(str(name), data)
        return DONE

    def preliminary(self, output: JsonValue) -> Done:
        """Show the output as far as it has come; plain JSON."""
        self.teller.preliminary(output)
        return DONE

    def ask(
        self,
        kind: type,
        message: str = "",
        *,
        key: str = "",
        arguments: Mapping[str, JsonValue] | None = None,
        initial: JsonValue = None,
    ) -> Any:
        """The visitor's answer; None if they skipped it. Not awaited.

        ``kind`` is one of the tool's ``questions``: a Pydantic model, whose instance the answer is, or
        a Django form, whose ``cleaned_data``. The first time the call is suspended here; the tool is
        entered again **from its start** when there is an answer, and then this returns it. Questions
        are told apart by ``key``, which is the class's name unless another one is given. ``arguments``
        and ``initial`` are plain JSON.

        Raises:
            TypeError: The tool has not declared this kind of question, or they are no JSON.
            QuestionInvalid: The stored answer does not fit any more, as after a deploy.
        """
        if kind not in self.questions:
            raise TypeError(f"The tool does not declare {kind.__name__} in questions=.")
        question = question_of(kind)
        key = _short(key or question.name)
        answered = self.answers.get(key)
        if answered is None:
            raise Suspended(
                Asked(
                    question=question,
                    key=key,
                    message=str(message),
                    arguments=_plain(arguments, "arguments"),
                    initial=_plain(initial, "initial"),
                )
            )
        if answered.is_skipped:
            return None
        if not answered.is_read or answered.question != question.name:
            return question.value(answered.answer, arguments)
        if answered.fault is not None:
            raise answered.fault
        return answered.value

    def with_values(self) -> ToolContext[Deps]:
        """The same with its answers read: a form's may ask the database, which no async tool should."""
        known = {found.name: found for found in map(question_of, self.questions)}
        answers = {
            key: answered.read_as(known.get(answered.question))
            for key, answered in self.answers.items()
        }
        return replace(self, answers=answers)


def _short(key: str) -> str:
    """The key as a row can hold it: a long one is told apart by its digest."""
    key = sound(key)
    if len(key) <= KEY_CHARS:
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _plain(value: Any, what: str) -> JsonValue:
    """A copy that is nothing but JSON.

    Raises:
        TypeError: It is not.
    """
    try:
        plain: JsonValue = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{what}= of a question must be plain JSON: {error}") from error
    return sound_json(plain)
