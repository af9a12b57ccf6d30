"""What a page makes of snapshots and events: written from docs/protocol.md alone, not from the app.

Everything is kept in one plain shape, so that two folds, or a fold and a snapshot, can be compared.
"""

from __future__ import annotations

import copy
import hashlib
from typing import Any

Json = dict[str, Any]

ENDED = ("completed", "failed", "cancelled")
ASKED = ("interrupt", "waitsFor", "approval", "editedInput")
"""What a call waits for, and what people have made of it."""


class Unfit(Exception):
    """What came does not fit what was there: text was lost, doubled or changed."""


def units(text: str) -> int:
    """The length as a browser counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Fold:
    """A thread as a page knows it."""

    def __init__(self, snapshot: Json) -> None:
        self.messages = messages_of(snapshot["messages"])
        self.run = run_of(snapshot["run"])
        self.voided: set[str] = set()
        self._parts = {p["partId"]: p for m in self.messages for p in m["parts"]}
        self._calls = {
            p["id"]: p for p in self._parts.values() if p["type"] == "tool-call"
        }

    def copy(self) -> Json:
        """The shape to compare."""
        return copy.deepcopy({"messages": self.messages, "run": self.run})

    def apply(self, event: Json) -> None:
        """One event.

        Raises:
            Unfit: A text does not go on where it ended, or has another length or digest.
        """
        method = getattr(self, "_" + event["type"].replace(".", "_"), None)
        if method:
            method(event)

    def _message(self, message_id: str) -> Json:
        for message in self.messages:
            if message["id"] == message_id:
                return message
        raise Unfit(f"an event of a message that is not there: {message_id}")

    def _message_created(self, event: Json) -> None:
        message = {
            "id": event["messageId"],
            "role": event["role"],
            "status": event["status"],
            "clientId": event["clientId"],
            "runId": event["runId"],
            "parts": [],
        }
        if event["content"] is not None:
            message["parts"].append(user_part(event["content"]))
        self.messages.append(message)

    def _message_ended(self, event: Json) -> None:
        self._message(event["messageId"])["status"] = event["status"]

    def _message_hidden(self, event: Json) -> None:
        self.messages.remove(self._message(event["messageId"]))

    def _run_changed(self, event: Json) -> None:
        self.run = run_of({**event, "id": event["runId"]})

    def _step_voided(self, event: Json) -> None:
        self.voided.add(event["stepId"])
        for message in self.messages:
            for part in list(message["parts"]):
                if part["stepId"] == event["stepId"]:
                    message["parts"].remove(part)
                    self._parts.pop(part["partId"])
                    self._calls.pop(part.get("id", ""), None)

    def _part_started(self, event: Json) -> None:
        part = {
            "type": event["kind"],
            "partId": event["partId"],
            "index": event["index"],
            "stepId": event["stepId"],
            "text": "",
            "state": "streaming",
        }
        if event["kind"] == "tool-call":
            del part["state"]
            part |= {"id": event["toolCallId"], "name": event["toolCallName"]}
            part |= {"status": "streaming", "input": None, "executor": None}
            part |= {"claimedBy": None, "output": None, **dict.fromkeys(ASKED)}
            self._calls[part["id"]] = part
        self._add(event["messageId"], part)

    def _add(self, message_id: str, part: Json) -> None:
        if part["partId"] in self._parts:
            raise Unfit(f"a part twice: {part['partId']}")
        parts = self._message(message_id)["parts"]
        if any(other["index"] == part["index"] for other in parts):
            raise Unfit(f"two parts at index {part['index']} of message {message_id}")
        parts.append(part)
        parts.sort(key=lambda one: one["index"])
        self._parts[part["partId"]] = part

    def _part(self, part_id: str) -> Json:
        if part_id not in self._parts:
            raise Unfit(f"an event of a part that is not there: {part_id}")
        return self._parts[part_id]

    def _part_delta(self, event: Json) -> None:
        part = self._part(event["partId"])
        if event["offset"] != units(part["text"]):
            has = units(part["text"])
            raise Unfit(f"a delta at {event['offset']} of a part that has {has}")
        part["text"] += event["delta"]

    def _part_ended(self, event: Json) -> None:
        part = self._part(event["partId"])
        if event["length"] != units(part["text"]):
            raise Unfit(f"a part of {units(part['text'])} ended with {event['length']}")
        digest = hashlib.sha256(part["text"].encode()).hexdigest()
        if event["digest"] != digest:
            raise Unfit(f"a part's digest is {event['digest']}, its text's {digest}")
        if part["type"] != "tool-call":
            part["state"] = event["state"]

    def _call(self, call_id: str) -> Json:
        if call_id not in self._calls:
            raise Unfit(f"an event of a call that is not there: {call_id}")
        return self._calls[call_id]

    def _tool_call_changed(self, event: Json) -> None:
        call = self._call(event["toolCallId"])
        if call["status"] in ENDED:
            raise Unfit(f"a call that has ended became {event['status']}")
        call["status"] = event["status"]
        if event["input"] is not None:
            call["input"] = event["input"]
        if event["executor"] is not None:
            call["executor"] = event["executor"]
        call["interrupt"], call["waitsFor"] = event["interrupt"], event["waitsFor"]
        for name in ("approval", "editedInput"):
            if event[name] is not None:
                call[name] = event[name]

    def _tool_call_claimed(self, event: Json) -> None:
        self._call(event["toolCallId"])["claimedBy"] = event["tab"]

    def _tool_call_ended(self, event: Json) -> None:
        call = self._call(event["toolCallId"])
        if call["status"] in ENDED:
            raise Unfit(f"a second result of call {event['toolCallId']}")
        call["status"], call["claimedBy"] = event["status"], None
        call["interrupt"] = call["waitsFor"] = None
        if event["approval"] is not None:
            call["approval"] = event["approval"]
        if event["status"] == "completed":
            call["output"] = event["output"]
        result = {
            "type": "tool-result",
            "partId": event["partId"],
            "index": event["index"],
            "stepId": event["stepId"],
            "toolCallId": event["toolCallId"],
            "state": "complete" if event["status"] == "completed" else "error",
            "code": event["errorCode"],
            "text": event["errorText"],
        }
        self._add(event["messageId"], result)


def user_part(text: str) -> Json:
    """A user's text: its part's id is another one in an event than in a snapshot."""
    return {
        "type": "text",
        "partId": "",
        "index": 0,
        "stepId": None,
        "text": text,
        "state": "complete",
    }


def run_of(run: Json | None) -> Json | None:
    """A run of a snapshot or of an event."""
    if run is None:
        return None
    return {key: run[key] for key in ("id", "status", "answerId", "errorCode")}


def asked_in(snapshot: Json) -> list[str]:
    """The interrupts that a snapshot's calls wait for, by their ids."""
    calls = [p for m in snapshot["messages"] for p in m["parts"]]
    return sorted(p["interrupt"]["id"] for p in calls if p.get("interrupt"))


def messages_of(messages: list[Json]) -> list[Json]:
    """The messages of a snapshot or of the history API, in our shape."""
    return [
        {
            **{key: message[key] for key in ("id", "role", "status", "clientId")},
            "runId": message["runId"],
            "parts": [_part_of(message, part) for part in message["parts"]],
        }
        for message in messages
    ]


def _part_of(message: Json, part: Json) -> Json:
    if part.get("clipped"):
        raise Unfit("a clipped part: the plans are too long for this test")
    if message["role"] == "user":
        return user_part(part["content"])
    found = {key: part[key] for key in ("type", "partId", "index", "stepId")}
    if part["type"] == "tool-call":
        keys = ("id", "name", "status", "input", "executor", "claimedBy", *ASKED)
        found |= {key: part[key] for key in keys}
        return {**found, "text": part["arguments"], "output": part.get("output")}
    if part["type"] == "tool-result":
        error = part.get("error") or {"code": None, "text": None}
        found |= {"toolCallId": part["toolCallId"], "state": part["state"]}
        return {**found, "code": error["code"], "text": error["text"]}
    return {**found, "text": part["content"], "state": part["state"]}


def difference(one: Any, other: Any, place: str = "") -> str:
    """The first place at which two values are not the same; empty if they are."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            if found := difference(one.get(key), other.get(key), f"{place}.{key}"):
                return found
        return ""
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return f"{place}: {len(one)} and {len(other)} of them"
        for n, pair in enumerate(zip(one, other, strict=True)):
            if found := difference(*pair, f"{place}[{n}]"):
                return found
        return ""
    return "" if one == other else f"{place}: {_short(one)} and {_short(other)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:100]} … {text[-90:]}"
