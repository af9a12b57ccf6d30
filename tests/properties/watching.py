"""Rules: the pages that follow, the processes that commit elsewhere, time, and pruning."""

from __future__ import annotations

from datetime import timedelta

from hypothesis.stateful import precondition, rule
from hypothesis.strategies import integers, sampled_from

from chatkit_app.conf import settings
from chatkit_app.log.fold import prune
from tests.properties.listening import Listener
from tests.properties.world import Place, World

picks = integers(0, 7)

TIMES = (0.5, 1.5, 2.5, 6.0, 700.0)
"""Seconds; beyond a second of patience, a lease or a claim, a call's deadline, the log's retention."""


class Watching(World):
    """Whoever follows a thread is sent exactly the rest."""

    @rule(act=integers(0, 9), where=picks, which=picks)
    def watch(self, act: int, where: int, which: int) -> None:
        place = self.places[where % len(self.places)]
        match act:
            case 0 | 1 if len(place.listeners) < 3:
                self.open_a_page(place)
            case 2 | 3 if place.listeners:
                self.lose_the_connection(
                    place, which, is_reloaded=which > 5, is_later=act == 2
                )
            case 4 | 5:
                self.another_process_goes_on(is_elsewhere=act == 4)
            case 6 | 7:
                self.compare_snapshot(place)
            case _:
                self.follow(place)

    @precondition(lambda self: not all(p.story.active for p in self.places))
    @rule(where=picks)
    def cut(self, where: int) -> None:
        self.prune(where)

    @rule(seconds=sampled_from(TIMES))
    def time_passes(self, seconds: float) -> None:
        self.time.pass_(seconds)

    def another_process_goes_on(self, *, is_elsewhere: bool) -> None:
        """From now on what is committed is another process's; its doorbell may be late."""
        self.elsewhere.is_elsewhere = is_elsewhere

    def open_a_page(self, place: Place) -> None:
        place.listeners.append(Listener(place.id, self.loop))
        self.follow(place)

    def lose_the_connection(
        self, place: Place, which: int, *, is_reloaded: bool, is_later: bool
    ) -> None:
        """And come back, now or later, with the cursor or (the page was reloaded) without."""
        listener = place.listeners[which % len(place.listeners)]
        listener.leave()
        if is_reloaded:
            listener.epoch = listener.position = None
        if not is_later:
            self.follow(place)

    def prune(self, where: int) -> None:
        """Only a prefix goes, old enough, and none while a run is active."""
        place = self.places[where % len(self.places)]
        expected = self._prunable(place)

        assert prune(place.id) == expected - place.floor
        place.floor = expected
        self.check_log(place)

    def _prunable(self, place: Place) -> int:
        if place.story.active:
            return place.floor
        before = self.time.now - timedelta(seconds=settings.EVENT_RETENTION_SECONDS)
        young = [n for n, at in place.times.items() if at >= before and n > place.floor]
        return min(young) - 1 if young else place.position
