"""What was used, summed up by day: for budgets, and for whoever pays the bill."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Usage(models.Model):
    """What one viewer has used of one assistant with one model on one day (UTC).

    ``owner_key`` is theirs for whom the runs were. ``messages`` are answers that were begun, those that
    were tried again too. ``cost`` is money in the currency of the prices, 0 where no price is known.
    After an erase ``owner_key`` is a pseudonym: the sums stay true, and nobody is in them.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    tenant = models.CharField(max_length=64, blank=True, default="")
    owner_key = models.CharField(max_length=80)
    assistant = models.CharField(max_length=64)
    model_name = models.CharField(max_length=200, blank=True, default="")
    messages = models.PositiveBigIntegerField(default=0)
    steps = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(max_digits=18, decimal_places=8, default=0)

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_usage_key",
                fields=["tenant", "owner_key", "assistant", "model_name", "day"],
            )
        ]
        indexes = [
            models.Index(name="chatkit_usage_assistant", fields=["assistant", "day"]),
            models.Index(name="chatkit_usage_day", fields=["tenant", "day"]),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.assistant}"


class Tally(models.Model):
    """How often something happened in an hour (UTC), for the dashboard: nothing in it is anybody's.

    ``metric`` says what was counted, ``label`` of which kind it was (a status and its error's code, a
    tool and how its call ended), ``bucket`` how long it took, where that is told: see
    ``runs/tallying.py``. ``total`` is the sum of what was measured: seconds, or money.
    """

    id = models.BigAutoField(primary_key=True)
    hour = models.DateTimeField()
    tenant = models.CharField(max_length=64, blank=True, default="")
    assistant = models.CharField(max_length=64)
    metric = models.CharField(max_length=16)
    label = models.CharField(max_length=300, blank=True, default="")
    bucket = models.PositiveSmallIntegerField(default=0)
    count = models.PositiveBigIntegerField(default=0)
    total = models.DecimalField(max_digits=20, decimal_places=8, default=0)

    class Meta:
        verbose_name = _("tally")
        verbose_name_plural = _("tallies")
        constraints = [
            models.UniqueConstraint(
                name="chatkit_tally_key",
                fields=["hour", "tenant", "assistant", "metric", "label", "bucket"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.metric}"
