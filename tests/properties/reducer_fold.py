"""What a thread's events tell, told plainly: the yardstick for the browser's reducer."""

from __future__ import annotations

import copy
import json
from typing import Any

Json = dict[str, Any]

ENDED = {"completed", "failed", "cancelled"}


class Fold:
    """A thread after so many events. It knows nothing of cursors: all come, once, in order."""

    def __init__(self, thread: str) -> None:
        self.thread = {"id": thread, "assistant": "shop", "title": "", "status": "open"}
        self.messages: list[Json] = []
        self.run: Json | None = None
        self.retry_position = 0
        self._is_noticed = False
        self.told: list[tuple[int, Json]] = []  # positions, and effects and new notices

    def snapshot(self) -> Json:
        """As the server writes it: what is open once more with the run, progress without nothing."""
        told = self.shown() | {"earlier": False}
        if told["run"]:
            told["run"]["interrupts"] = self.interrupts()
        for message in told["messages"]:
            for part in message["parts"]:
                if part.get("progress"):
                    part["progress"] = without_nothing(part["progress"])
        return told

    def shown(self) -> Json:
        """As a page has it."""
        told = {"thread": self.thread, "messages": self.messages, "run": self.run}
        return copy.deepcopy(told)

    def _telling(self, event: Json) -> Json:
        call = {"toolCallId": event["toolCallId"]}
        if event["type"] != "effect":
            return {"type": "notice", "detail": call | event["notice"]}
        told = {name: event[name] for name in ("name", "data", "tab")}
        return {"type": "effect", "detail": call | told | {"isOurs": False}}

    def interrupts(self) -> list[Json]:
        asked = (part.get("interrupt") for part in self.parts())
        return [interrupt for interrupt in asked if interrupt]

    def apply(self, position: int, event: Json) -> None:
        self._is_noticed = False
        name = event["type"].replace(".", "_")
        tell = getattr(self, f"_{name}", None)
        if tell is not None:  # what is newer than the page changes nothing
            tell(event)
        if event["type"] == "effect" or self._is_noticed:
            self.told.append((position, self._telling(event)))
        if event["type"] == "step.voided":
            self.retry_position = position

    def parts(self) -> list[Json]:
        return [part for message in self.messages for part in message["parts"]]

    def part(self, part_id: str) -> Json:
        return next(part for part in self.parts() if part["partId"] == part_id)

    def call(self, call_id: str) -> Json:
        return next(part for part in self.parts() if part.get("id") == call_id)

    def _message(self, message_id: str) -> Json:
        return next(found for found in self.messages if found["id"] == message_id)

    def _place(self, message_id: str, part: Json) -> None:
        parts = self._message(message_id)["parts"]
        parts.append(part)
        parts.sort(key=lambda found: found["index"])

    def _thread_changed(self, event: Json) -> None:
        self.thread |= {"title": event["title"], "status": event["status"]}

    def _message_created(self, event: Json) -> None:
        names = ("role", "runId", "clientId", "status", "createdAt")
        names += ("parentId", "siblings", "author")
        message = {name: event[name] for name in names}
        message |= {"id": event["messageId"], "parts": [], "feedback": None}
        if event["content"] is not None:
            whole = {"type": "text", "partId": event["messageId"], "index": 0}
            rest = {"stepId": None, "content": event["content"], "state": "complete"}
            message["parts"] = [whole | rest]
        for file in event["files"]:
            fixed = {"type": "file", "stepId": None, "state": "complete"}
            message["parts"].append(fixed | file)
        self.messages.append(message)

    def _message_ended(self, event: Json) -> None:
        message = self._message(event["messageId"])
        message["status"] = event["status"]
        for part in message["parts"]:
            if part["type"] != "tool-call" and part["state"] == "streaming":
                part["state"] = "interrupted"

    def _message_hidden(self, event: Json) -> None:
        self.messages.remove(self._message(event["messageId"]))

    def _message_rated(self, event: Json) -> None:
        self._message(event["messageId"])["feedback"] = event["feedback"]

    def _run_changed(self, event: Json) -> None:
        known = self.run
        if known is not None and event["runId"] < known["id"]:
            return
        is_same = known is not None and known["id"] == event["runId"]
        retry = known["retry"] if known and is_same else None
        names = ("status", "answerId", "errorCode", "errorText")
        self.run = {name: event[name] for name in names} | {
            "id": event["runId"],
            "retry": None if event["status"] in ENDED else retry,
        }

    def _step_voided(self, event: Json) -> None:
        for message in self.messages:
            message["parts"] = [
                part for part in message["parts"] if part["stepId"] != event["stepId"]
            ]
        if self.run and self.run["id"] == event["runId"]:
            self.run["retry"] = {
                "code": event["errorCode"],
                "attempt": event["attempt"],
                "retryAt": event["retryAt"],
            }

    def _part_started(self, event: Json) -> None:
        part: Json = {name: event[name] for name in ("partId", "index", "stepId")}
        part["type"] = event["kind"]
        if event["kind"] == "tool-call":
            part |= {"id": event["toolCallId"], "name": event["toolCallName"]}
            part |= {"arguments": "", "state": "awaiting-input", "status": "streaming"}
            asked = "editedInput waitsFor interrupt approval"
            nothing = f"input executor claimedBy progress deadlineAt {asked}"
            part |= dict.fromkeys(nothing.split())
        else:
            part |= {"content": "", "state": "streaming"}
        self._place(event["messageId"], part)
        if self.run:
            self.run["retry"] = None

    def _part_delta(self, event: Json) -> None:
        part = self.part(event["partId"])
        if part["type"] == "tool-call":
            part["arguments"] += event["delta"]
            part["state"] = "input-streaming"
        else:
            part["content"] += event["delta"]

    def _part_ended(self, event: Json) -> None:
        part = self.part(event["partId"])
        if part["type"] != "tool-call":
            part["state"] = event["state"]

    def _tool_call_changed(self, event: Json) -> None:
        call = self.call(event["toolCallId"])
        call |= {"status": event["status"], "state": event["state"]}
        for name in ("waitsFor", "interrupt", "deadlineAt"):
            call[name] = event[name]
        for name in ("executor", "input", "editedInput", "approval"):
            if event[name] is not None:
                call[name] = event[name]

    def _tool_call_claimed(self, event: Json) -> None:
        self.call(event["toolCallId"])["claimedBy"] = event["tab"]

    def _tool_call_progressed(self, event: Json) -> None:
        call = self.call(event["toolCallId"])
        known = (call["progress"] or {}).get("notice")
        self._is_noticed = event["notice"] not in (None, known)
        names = ("text", "fraction", "preliminary", "notice")
        call["progress"] = {name: event[name] for name in names}

    def _tool_call_ended(self, event: Json) -> None:
        call = self.call(event["toolCallId"])
        call |= {"status": event["status"], "state": event["state"]}
        call |= {"claimedBy": None, "progress": None}
        call |= {"waitsFor": None, "interrupt": None}
        if event["approval"] is not None:
            call["approval"] = event["approval"]
        part: Json = {"type": "tool-result"}
        for name in ("toolCallId", "partId", "index", "stepId"):
            part[name] = event[name]
        if event["status"] == "completed":
            call["output"] = event["output"]
            text = json.dumps(
                event["output"], ensure_ascii=False, separators=(",", ":")
            )
            part |= {"content": text, "state": "complete"}
        else:
            error = {"code": event["errorCode"], "text": event["errorText"]}
            part |= {"content": event["errorText"], "state": "error", "error": error}
        self._place(event["messageId"], part)


def without_nothing(progress: Json) -> Json:
    """A call's progress as its row keeps it."""
    optional = ("preliminary", "notice")
    return {
        name: value
        for name, value in progress.items()
        if value is not None or name not in optional
    }
