"""Rows as finished runs leave them, written straight into the tables: history without a model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chatkit_app.engine import states
from chatkit_app.models import (
    Interrupt,
    Message,
    Part,
    Run,
    Step,
    Thread,
    ToolCall,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_thread(
    owner: object, *, at: datetime = NOON, assistant: str = "shop", title: str = ""
) -> Thread:
    """A thread of a user, or of the visitor whom a UUID names."""
    if isinstance(owner, UUID):
        owned = {"visitor": owner, "owner_key": f"v:{owner}"}
    else:
        owned = {"user": owner, "owner_key": f"u:{owner.pk}"}
    return Thread.objects.create(
        assistant=assistant, title=title, last_activity_at=at, **owned
    )


def add_turns(thread: Thread, count: int, *, first: int = 0) -> list[Message]:
    """``count`` questions, each with its answer; all messages, oldest first."""
    return [
        message
        for number in range(first, first + count)
        for message in add_turn(
            thread, f"Question {number}", f"Answer {number}", depth=2 * number
        )
    ]


def add_turn(
    thread: Thread, question: str, answer: str, *, depth: int
) -> tuple[Message, Message]:
    turn = Turn.begin(thread, question, depth=depth)
    turn.say(answer)
    turn.end()
    return turn.prompt, turn.answer


@dataclass(kw_only=True)
class Turn:
    """One question and the run that answers it, part by part."""

    prompt: Message
    answer: Message
    run: Run
    step: Step
    parts: int = 0

    @classmethod
    def begin(cls, thread: Thread, question: str, *, depth: int) -> Turn:
        prompt = Message.objects.create(
            thread=thread,
            depth=depth,
            role=states.Role.USER,
            status=states.MessageStatus.COMPLETE,
            text=question,
        )
        Part.objects.create(
            message=prompt,
            index=0,
            kind="text",
            state="complete",
            text=question,
            position=1,
        )
        answer = Message.objects.create(
            thread=thread,
            parent=prompt,
            depth=depth + 1,
            role=states.Role.ASSISTANT,
            status=states.MessageStatus.COMPLETE,
        )
        run = Run.objects.create(
            thread=thread,
            prompt=prompt,
            answer=answer,
            status=states.RunStatus.COMPLETED,
            model_name="model-one",
            attempt=1,
        )
        Message.objects.filter(pk=answer.pk).update(run=run)
        answer.run = run
        turn = cls(prompt=prompt, answer=answer, run=run, step=Step())
        turn.begin_step(0)
        return turn

    def begin_step(
        self, index: int, *, status: str = "complete", error_code: str = ""
    ) -> None:
        self.step = Step.objects.create(
            run=self.run,
            index=index,
            status=status,
            provider="openai-responses",
            model_name="model-one-2026",
            finish_reason="stop" if status == "complete" else "",
            input_tokens=1204,
            cached_tokens=1024,
            output_tokens=210,
            reasoning_tokens=64,
            error_code=error_code,
        )
        asked = self.step.created_at
        self.step.first_token_at = asked + timedelta(seconds=0.8)
        self.step.finished_at = asked + timedelta(seconds=2.4)
        self.step.save()

    def say(self, text: str, *, kind: str = "text", state: str = "complete") -> Part:
        self.parts += 1
        return Part.objects.create(
            message=self.answer,
            step=self.step,
            index=self.parts - 1,
            kind=kind,
            state=state,
            text=text,
            position=1,
        )

    def call(self, name: str, *, arguments: str = "{}", **fields: object) -> ToolCall:
        """A call with its part, and with the part of its result where it has settled."""
        values: dict[str, object] = {
            "executor": "server",
            "status": "completed",
            "provider_call_id": f"call-{self.parts}",
            **fields,
        }
        call = ToolCall.objects.create(
            run=self.run,
            step=self.step,
            index=self.parts,
            name=name,
            arguments=arguments,
            **values,
        )
        self.say(arguments, kind="tool-call")
        Part.objects.filter(message=self.answer, index=self.parts - 1).update(
            tool_call=call
        )
        if call.status in ("completed", "failed", "cancelled"):
            state = "complete" if call.status == "completed" else "error"
            result = self.say("", kind="tool-result", state=state)
            Part.objects.filter(pk=result.pk).update(tool_call=call)
        return call

    def ask_page(self, call: ToolCall, **fields: object) -> Interrupt:
        return Interrupt.objects.create(
            run=self.run, step=self.step, tool_call=call, kind="client_tool", **fields
        )

    def end(self, status: str = "completed", **fields: object) -> None:
        Run.objects.filter(pk=self.run.pk).update(
            status=status,
            finished_at=self.run.created_at + timedelta(seconds=3.2),
            **fields,
        )
        kept = "complete" if status == "completed" else "interrupted"
        Message.objects.filter(pk=self.answer.pk).update(status=kept)
