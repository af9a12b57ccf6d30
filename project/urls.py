"""The demo's addresses: the shop, logging in and out, the admin, and the chat."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from django.views.generic import RedirectView

from project.shop.seed import LOGINS

urlpatterns = [
    path("", include("project.shop.urls")),
    path(
        "login/",
        LoginView.as_view(
            redirect_authenticated_user=True,
            # on one's own machine the page may tell them; elsewhere it had better not
            extra_context={"logins": LOGINS if settings.DEBUG else ()},
        ),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("chatkit/", include("chatkit_app.urls")),
    # the admin names no icon, and browsers then ask for this one
    path(
        "favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}shop/icon.svg")
    ),
]
