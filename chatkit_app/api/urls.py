"""The addresses of the history API, below the app's own ``api/``."""

from __future__ import annotations

from django.urls import path

from chatkit_app.api.views import MessagesView, ThreadsView, ThreadView

urlpatterns = [
    path("threads/", ThreadsView.as_view(), name="api-threads"),
    # str and not uuid: what is no id is told so in our words, not by the site's 404 page
    path("threads/<str:thread>/", ThreadView.as_view(), name="api-thread"),
    path("threads/<str:thread>/messages/", MessagesView.as_view(), name="api-messages"),
]
