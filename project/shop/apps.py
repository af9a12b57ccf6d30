"""The shop's entry in ``INSTALLED_APPS``."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """A small shop for things of the house."""

    name = "project.shop"
    label = "shop"
    default_auto_field = "django.db.models.BigAutoField"
