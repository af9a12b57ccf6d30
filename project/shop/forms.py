"""What the shop's forms send."""

from __future__ import annotations

from django import forms

from project.shop.cart import MOST


class CartForm(forms.Form):
    """A product and how many of it."""

    product = forms.SlugField()
    quantity = forms.IntegerField(min_value=0, max_value=MOST)
