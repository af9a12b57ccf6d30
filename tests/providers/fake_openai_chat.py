"""How a fake says a script by Chat Completions."""

from __future__ import annotations

from collections.abc import Iterator

from chatkit_app.providers.scripted import BreakOff, Call, Pause, Say, Stall, Think
from tests.providers.fake_openai_script import (
    Data,
    ErrorEvent,
    Event,
    Finish,
    Raw,
    Reset,
    Script,
    new_id,
    pieces,
    usage_of,
)


class ChatChunks:
    """One completion: the chunks in the order and the shape of the real ones."""

    def __init__(self, body: Event, script: Script) -> None:
        self._model = str(body["model"])
        self._script = script
        self._id = new_id("chatcmpl")
        options = body.get("stream_options")
        self._has_usage = (
            isinstance(options, dict) and options.get("include_usage") is True
        )
        self._calls = 0

    def play(self) -> Iterator[Data]:
        finish = ""
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        for line in self._script:
            match line:
                case Say() | Think() | Call():
                    yield from self._deltas(line)
                case Finish(reason):
                    finish = reason
                case ErrorEvent(code, message):
                    yield {
                        "error": {
                            "message": message,
                            "type": code,
                            "param": None,
                            "code": code,
                        }
                    }
                    return
                case Raw(events):
                    yield from events
                case Pause() | Stall() | BreakOff() | Reset():
                    yield line
        if any(isinstance(line, Raw) for line in self._script):
            return
        yield self._chunk({}, finish or ("tool_calls" if self._calls else "stop"))
        if self._has_usage:
            yield self._chunk(None) | {"choices": [], "usage": self._usage()}
        yield "[DONE]"

    def _deltas(self, line: Say | Think | Call) -> Iterator[Data]:
        match line:
            case Say():
                yield from (self._chunk({"content": piece}) for piece in pieces(line))
            case Think():
                yield from (
                    self._chunk({"reasoning_content": piece}) for piece in pieces(line)
                )
            case Call():
                index, self._calls = self._calls, self._calls + 1
                head: Event = {
                    "index": index,
                    "id": line.id or new_id("call"),
                    "type": "function",
                }
                function = {"name": line.name, "arguments": ""}
                yield self._chunk({"tool_calls": [head | {"function": function}]})
                for piece in pieces(line):
                    delta = {"index": index, "function": {"arguments": piece}}
                    yield self._chunk({"tool_calls": [delta]})

    def _chunk(self, delta: Event | None, finish: str | None = None) -> Event:
        choice: Event = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": finish,
        }
        chunk: Event = {"id": self._id, "object": "chat.completion.chunk", "created": 1}
        chunk |= {"model": self._model, "choices": [choice]}
        return chunk | {"usage": None} if self._has_usage else chunk

    def _usage(self) -> Event:
        thought, output = usage_of(self._script)
        return {
            "prompt_tokens": 100,
            "completion_tokens": output,
            "total_tokens": 100 + output,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }
