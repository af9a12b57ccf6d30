"""What the model would say, in this office."""

from __future__ import annotations

from chatkit_app.providers.scripted import Call, Say, scripts

rule = scripts(
    (Call("clock_in", {"minutes_late": 7}), Call("read_badge")),
    (Say("Good morning, both tools have answered."),),
)
