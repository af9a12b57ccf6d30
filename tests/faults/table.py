"""The table: what was done, how often, what it broke, how long it took to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.faults.complaints import Complaints
from tests.faults.plan import PROVIDER_FAULTS
from tests.faults.scene import QUIET, Scene


def percentile(times: Sequence[float], share: float) -> float:
    """The time that this share of them does not exceed."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rows(scene: Scene, kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """One row a fault, also for those that never came."""
    broken = Counter(one.fault for one in scene.complaints.found)
    names = [
        *kinds,
        *sorted(QUIET),
        *(f"provider: {k}" for k in PROVIDER_FAULTS),
    ]
    names += sorted(set(broken) - set(names))
    found = []
    for name in names:
        times = scene.recoveries.get(name, [])
        half = f"{percentile(times, 0.5):.2f}" if times else "–"
        most = f"{percentile(times, 0.99):.2f}" if times else "–"
        count = str(scene.injected[name]) if name in names else "–"
        late = sum(time > scene.stage.lease + 1.0 for time in times)
        found.append(
            (name, count, str(broken[name]), half, most, str(late) if times else "–")
        )
    return found


def show(title: str, scene: Scene, kinds: Sequence[str]) -> str:
    """The table as text."""
    head = ("fault", "times", "violations", "p50 s", "p99 s", "late")
    lines = [head, *rows(scene, kinds)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    shown = [f"\n{title}", ""]
    for number, line in enumerate(lines):
        cells = [line[0].ljust(widths[0])]
        cells += [
            cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        shown.append("  ".join(cells))
        if number == 0:
            shown.append("  ".join("-" * width for width in widths))
    return "\n".join(shown)


def remarks(complaints: Complaints) -> str:
    """Numbers that are no violations."""
    return "\n".join(
        f"  {count:6}  {what}" for what, count in sorted(complaints.counts.items())
    )
