"""What the shop's forms send."""

from __future__ import annotations

from datetime import date, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from project.shop.cart import MOST
from project.shop.models import DeliveryTime
from project.shop.orders import SUNDAY

DAYS_AHEAD = 60
"""How far ahead a delivery can be chosen."""


class CartForm(forms.Form):
    """A product and how many of it."""

    product = forms.SlugField()
    quantity = forms.IntegerField(min_value=0, max_value=MOST)


class DeliveryForm(forms.Form):
    """Where and when an order comes; the assistant asks it in the middle of its work."""

    street = forms.CharField(label=_("Street and number"), max_length=80)
    town = forms.CharField(label=_("Town"), max_length=60)
    day = forms.DateField(
        label=_("Day"),
        help_text=_("From tomorrow on, but not on a Sunday."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    time = forms.ChoiceField(
        label=_("Time"), choices=DeliveryTime, widget=forms.RadioSelect
    )

    def clean_day(self) -> date:
        """A day on which somebody could come."""
        day: date = self.cleaned_data["day"]
        today = timezone.localdate()
        if day <= today:
            raise forms.ValidationError(
                _("That is too early: choose a day from tomorrow on.")
            )
        if day > today + timedelta(days=DAYS_AHEAD):
            raise forms.ValidationError(
                _("That is too far ahead: %(days)s days at most."),
                params={"days": DAYS_AHEAD},
            )
        if day.weekday() == SUNDAY:
            raise forms.ValidationError(_("Nobody delivers on a Sunday."))
        return day
