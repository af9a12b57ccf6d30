"""The app's entry in ``INSTALLED_APPS``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.signals import setting_changed
from django.db.models.signals import post_delete, pre_delete
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class ChatKitConfig(AppConfig):
    """Loads each app's ``assistants.py``, as the admin loads each ``admin.py``."""

    name = "chatkit_app"
    label = "chatkit_app"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect what listens, register the checks, find the assistants."""
        # The models can't be imported before all apps are loaded.
        from chatkit_app.checks import registration
        from chatkit_app.forms.question import register_forms
        from chatkit_app.models import Attachment
        from chatkit_app.registry import providers
        from chatkit_app.threads.adopt import adopt_on_login
        from chatkit_app.threads.attachments import drop_file
        from chatkit_app.threads.erase import forget_user

        registration.register()
        register_forms()
        user_logged_in.connect(adopt_on_login, dispatch_uid="chatkit_adopt")
        post_delete.connect(
            drop_file, sender=Attachment, dispatch_uid="chatkit_drop_file"
        )
        for model in models_of_users():
            pre_delete.connect(
                forget_user, sender=model, dispatch_uid=f"chatkit_forget_{model}"
            )
        setting_changed.connect(
            lambda setting, **_: (
                providers.clear() if setting == "CHATKIT_PROVIDERS" else None
            ),
            weak=False,
            dispatch_uid="chatkit_providers",
        )
        autodiscover_modules("assistants")


def models_of_users() -> Iterator[type[Any]]:
    """The site's model of users and its proxies: each one's signals are its own."""
    users = get_user_model()
    for model in apps.get_models():
        if model._meta.concrete_model is users:
            yield model
