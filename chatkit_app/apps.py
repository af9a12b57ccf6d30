"""The app's entry in ``INSTALLED_APPS``."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core.signals import setting_changed
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
        from chatkit_app.registry import providers
        from chatkit_app.threads.adopt import adopt_on_login

        registration.register()
        user_logged_in.connect(adopt_on_login, dispatch_uid="chatkit_adopt")
        setting_changed.connect(
            lambda setting, **_: (
                providers.clear() if setting == "CHATKIT_PROVIDERS" else None
            ),
            weak=False,
            dispatch_uid="chatkit_providers",
        )
        autodiscover_modules("assistants")
