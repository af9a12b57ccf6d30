"""A page's state in Python: a snapshot, or what is left of an empty thread after its events."""

from __future__ import annotations

import json
from typing import Any

Told = dict[str, Any]

CALL = {
    "approval": None,
    "claimedBy": None,
    "deadlineAt": None,
    "editedInput": None,
    "executor": None,
    "interrupt": None,
    "waitsFor": None,
}


class Page:
    """Applies events as docs/protocol.md tells a client to."""

    def __init__(self) -> None:
        self.messages: dict[str, Told] = {}
        self.run: Told | None = None

    def apply(self, event: Told) -> None:
        getattr(self, "_" + event["type"].replace(".", "_"))(event)

    def shown(self) -> Told:
        for message in self.messages.values():
            message["parts"].sort(key=lambda part: part["index"])
        run = self.run and {**self.run, "interrupts": self._interrupts()}
        return {"messages": list(self.messages.values()), "run": run}

    def _interrupts(self) -> list[Told]:
        """What is asked now, in the order in which it was: by the ids, which grow with time."""
        parts = [part for part in self._parts() if part.get("interrupt")]
        asked = [{**part["interrupt"], "form": None} for part in parts]
        return sorted(asked, key=lambda told: told["id"])

    def _parts(self) -> list[Told]:
        return [part for m in self.messages.values() for part in m["parts"]]

    def _part(self, part_id: str) -> Told:
        return next(part for part in self._parts() if part.get("partId") == part_id)

    def _call(self, call_id: str) -> Told:
        return next(part for part in self._parts() if part.get("id") == call_id)

    def _message_created(self, event: Told) -> None:
        parts = []
        if event["content"]:
            parts.append({"type": "text", "content": event["content"], "index": 0})
        whole = {"type": "file", "stepId": None, "state": "complete"}
        parts += [{**whole, **told} for told in event["files"]]
        self.messages[event["messageId"]] = {
            "id": event["messageId"],
            "role": event["role"],
            "status": event["status"],
            "clientId": event["clientId"],
            "runId": event["runId"],
            "parentId": event["parentId"],
            "siblings": event["siblings"],
            "author": event["author"],
            "feedback": None,
            "parts": parts,
        }

    def _message_ended(self, event: Told) -> None:
        self.messages[event["messageId"]]["status"] = event["status"]

    def _message_hidden(self, event: Told) -> None:
        del self.messages[event["messageId"]]

    def _message_rated(self, event: Told) -> None:
        self.messages[event["messageId"]]["feedback"] = event["feedback"]

    def _branch_shown(self, event: Told) -> None:
        """What is shown now comes as a snapshot."""

    def _run_changed(self, event: Told) -> None:
        names = ("status", "answerId", "errorCode", "errorText")
        was, active = self.run or {}, ("queued", "in_progress", "cancelling")
        is_same = was.get("id") == event["runId"] and event["status"] in active
        self.run = {"id": event["runId"], **{name: event[name] for name in names}}
        self.run["retry"] = was["retry"] if is_same else None

    def _step_started(self, event: Told) -> None:
        """Shows nothing."""

    _step_finished = _step_started

    def _step_voided(self, event: Told) -> None:
        assert self.run is not None
        names = ("attempt", "retryAt")
        self.run["retry"] = {
            "code": event["errorCode"],
            **{name: event[name] for name in names},
        }
        for message in self.messages.values():
            message["parts"] = [
                part
                for part in message["parts"]
                if part.get("stepId") != event["stepId"]
            ]

    def _part_started(self, event: Told) -> None:
        if self.run is not None:
            self.run["retry"] = None
        names = ("partId", "index", "stepId")
        part = {"type": event["kind"], **{name: event[name] for name in names}}
        if event["toolCallId"] is None:
            part |= {"content": "", "state": "streaming"}
        else:
            part |= {
                **CALL,
                "id": event["toolCallId"],
                "name": event["toolCallName"],
                "arguments": "",
                "input": None,
                "state": "awaiting-input",
                "status": "streaming",
            }
        self.messages[event["messageId"]]["parts"].append(part)

    def _part_delta(self, event: Told) -> None:
        part = self._part(event["partId"])
        field = "arguments" if part["type"] == "tool-call" else "content"
        units = len(part[field].encode("utf-16-le")) // 2
        assert event["offset"] == units
        part[field] += event["delta"]
        if field == "arguments":
            part["state"] = "input-streaming"

    def _part_ended(self, event: Told) -> None:
        part = self._part(event["partId"])
        if part["type"] != "tool-call":
            part["state"] = event["state"]

    def _tool_call_changed(self, event: Told) -> None:
        part = self._call(event["toolCallId"])
        always = ("status", "state", "deadlineAt", "waitsFor", "interrupt")
        part |= {name: event[name] for name in always}
        told = ("executor", "input", "editedInput", "approval")
        part |= {name: event[name] for name in told if event[name] is not None}

    def _tool_call_claimed(self, event: Told) -> None:
        self._call(event["toolCallId"])["claimedBy"] = event["tab"]

    def _tool_call_progressed(self, event: Told) -> None:
        """Seen while it runs only."""

    _effect = _tool_call_progressed

    def _tool_call_ended(self, event: Told) -> None:
        call = self._call(event["toolCallId"])
        call |= {"status": event["status"], "state": event["state"], "claimedBy": None}
        call |= {"waitsFor": None, "interrupt": None}
        if event["approval"] is not None:
            call["approval"] = event["approval"]
        result = {
            "type": "tool-result",
            "partId": event["partId"],
            "index": event["index"],
            "stepId": event["stepId"],
            "toolCallId": event["toolCallId"],
        }
        if event["status"] == "completed":
            call["output"] = event["output"]
            content = json.dumps(
                event["output"], ensure_ascii=False, separators=(",", ":")
            )
            result |= {"content": content, "state": "complete"}
        else:
            error = {"code": event["errorCode"], "text": event["errorText"]}
            result |= {"content": event["errorText"], "state": "error", "error": error}
        self.messages[event["messageId"]]["parts"].append(result)


def comparable(content: Told) -> Told:
    """A snapshot without what no event tells."""
    messages = json.loads(json.dumps(content["messages"]))
    for message in messages:
        message.pop("createdAt", None)
        for part in message["parts"]:
            part.pop("progress", None)
            if message["role"] == "user":
                for name in ("partId", "stepId", "state"):
                    part.pop(name, None)
    return {"messages": messages, "run": content["run"]}
