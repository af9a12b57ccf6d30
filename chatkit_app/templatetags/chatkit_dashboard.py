"""``{% load chatkit_dashboard %}{% chatkit_dashboard %}`` draws the dashboard in the admin's index of the app."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from chatkit_app.admin.dashboard import dashboard_of

register = template.Library()


@register.inclusion_tag("chatkit_app/admin/dashboard.html", takes_context=True)
def chatkit_dashboard(context: Context) -> dict[str, Any]:
    """Nothing for those who may not inspect. The context is that of ``AdminSite.app_index``."""
    apps = context.get("app_list") or ()
    models = [
        model
        for app in apps
        if app["app_label"] == "chatkit_app"
        for model in app["models"]
    ]
    # Of a RequestContext, also where no context processor puts it there.
    request = getattr(context, "request", None) or context["request"]
    return {"dashboard": dashboard_of(request, models)}
