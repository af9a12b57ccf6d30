"""How a fake says a script by the Responses API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from chatkit_app.providers.scripted import BreakOff, Call, Pause, Say, Stall, Think
from tests.providers.fake_openai_script import (
    ENCRYPTED,
    Data,
    ErrorEvent,
    Event,
    Finish,
    Raw,
    Reset,
    Script,
    arguments,
    new_id,
    pieces,
    usage_of,
)


class ResponseEvents:
    """One response: the events in the order and the shape of the real ones."""

    def __init__(self, body: Event, script: Script) -> None:
        self._model = str(body["model"])
        self._script = script
        self._id = new_id("resp")
        self._number = -1
        self._output: list[Event] = []

    def play(self) -> Iterator[Data]:
        yield self._event("created", response=self._response("in_progress"))
        yield self._event("in_progress", response=self._response("in_progress"))
        status: Event = {"status": "completed"}
        for line in self._script:
            match line:
                case Finish(reason):
                    name = "max_output_tokens" if reason == "length" else reason
                    status = {
                        "status": "incomplete",
                        "incomplete_details": {"reason": name},
                    }
                case ErrorEvent(code, message):
                    self._number += 1
                    error: Event = {
                        "type": "error",
                        "code": code,
                        "message": message,
                        "param": None,
                    }
                    yield error | {"sequence_number": self._number}
                    return
                case Raw(events):
                    yield from events
                case Say() | Think() | Call():
                    yield from self._item(line)
                case Pause() | Stall() | BreakOff() | Reset():
                    yield line
        if any(isinstance(line, Raw) for line in self._script):
            return
        response = (
            self._response(str(status["status"])) | status | {"output": self._output}
        )
        yield self._event(
            str(status["status"]), response=response | {"usage": self._usage()}
        )

    def _event(self, event_type: str, **fields: object) -> Event:
        self._number += 1
        return {
            "type": f"response.{event_type}",
            "sequence_number": self._number,
            **fields,
        }

    def _response(self, status: str) -> Event:
        head: Event = {
            "id": self._id,
            "object": "response",
            "status": status,
            "error": None,
        }
        return {**head, "model": self._model, "output": [], "incomplete_details": None}

    def _usage(self) -> Event:
        thought, output = usage_of(self._script)
        return {
            "input_tokens": 100,
            "input_tokens_details": {"cached_tokens": 40},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": thought},
            "total_tokens": 100 + output,
        }

    def _item(self, line: Say | Think | Call) -> Iterator[Data]:
        index = len(self._output)
        item, body = self._parts_of(line)
        place: Event = {"output_index": index, "item_id": item["id"]}
        added = item | {
            "status": "in_progress",
            "content": [],
            "arguments": "",
            "summary": [],
        }
        shown = {
            key: value for key, value in added.items() if key in item or key == "status"
        }
        yield self._event("output_item.added", output_index=index, item=shown)
        for event_type, fields in body:
            yield self._event(event_type, **place, **fields)
        if line.is_whole or any(isinstance(other, Finish) for other in self._script):
            item["status"] = "completed" if line.is_whole else "incomplete"
            self._output.append(item)
            yield self._event("output_item.done", output_index=index, item=item)

    def _parts_of(
        self, line: Say | Think | Call
    ) -> tuple[Event, list[tuple[str, Event]]]:
        match line:
            case Say(text):
                return self._message(line, text)
            case Think():
                return self._reasoning(line)
            case Call():
                return self._call(line)

    def _message(self, line: Say, text: str) -> tuple[Event, list[tuple[str, Event]]]:
        content: Event = {
            "type": "output_text",
            "annotations": [],
            "logprobs": [],
            "text": text,
        }
        item: Event = {"id": new_id("msg"), "type": "message", "status": "completed"}
        item |= {"role": "assistant", "content": [content], "phase": "final_answer"}
        at: Event = {"content_index": 0}
        body = [("content_part.added", at | {"part": content | {"text": ""}})]
        body += [
            ("output_text.delta", at | {"delta": p, "logprobs": []})
            for p in pieces(line)
        ]
        if line.is_whole:
            body.append(("output_text.done", at | {"text": text, "logprobs": []}))
            body.append(("content_part.done", at | {"part": content}))
        return item, body

    def _reasoning(self, line: Think) -> tuple[Event, list[tuple[str, Event]]]:
        texts = line.text.split("\n\n") if line.text else []
        item: Event = {"id": new_id("rs"), "type": "reasoning"}
        item |= {"summary": [{"type": "summary_text", "text": text} for text in texts]}
        item |= {"encrypted_content": ENCRYPTED + uuid.uuid4().hex}
        body: list[tuple[str, Event]] = []
        for number, text in enumerate(texts):
            at: Event = {"summary_index": number}
            part: Event = {"type": "summary_text", "text": ""}
            body.append(("reasoning_summary_part.added", at | {"part": part}))
            said = pieces(Think(text))
            body += [
                ("reasoning_summary_text.delta", at | {"delta": piece})
                for piece in said
            ]
            body.append(("reasoning_summary_text.done", at | {"text": text}))
            body.append(
                ("reasoning_summary_part.done", at | {"part": part | {"text": text}})
            )
        return item, body

    def _call(self, line: Call) -> tuple[Event, list[tuple[str, Event]]]:
        item: Event = {
            "id": new_id("fc"),
            "type": "function_call",
            "status": "completed",
        }
        item |= {"call_id": line.id or new_id("call"), "name": line.name}
        item |= {"arguments": arguments(line)}
        body: list[tuple[str, Event]] = [
            ("function_call_arguments.delta", {"delta": piece})
            for piece in pieces(line)
        ]
        if line.is_whole:
            body.append(
                ("function_call_arguments.done", {"arguments": arguments(line)})
            )
        return item, body
