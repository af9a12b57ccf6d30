"""A site that has unregistered the threads' page: the others are drawn, without links to it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.admin import AdminSite, site
from django.urls import include, path

from chatkit_app.access import Action
from chatkit_app.models import AccessLog, Interrupt, Message, Run, Thread, ToolCall
from chatkit_app.threads.accesses import note
from tests.admin.lists import make_user
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db

MODELS = (AccessLog, Interrupt, Message, Run, ToolCall)

own = AdminSite(name="admin")
for model in MODELS:
    own.register(model, type(site._registry[model]))
urlpatterns = [
    path("admin/", own.urls),
    path("chatkit/", include("chatkit_app.urls")),
]


@pytest.mark.parametrize("model", MODELS)
def test_lists_and_pages_are_drawn_where_threads_have_none(
    admin_client, settings, model
) -> None:
    settings.ROOT_URLCONF = __name__
    thread = make_thread(uuid4())
    turn = Turn.begin(thread, "Hi", depth=0)
    call = turn.call("refund", executor="client", output={})
    turn.ask_page(call, status="answered")
    turn.end()
    note(make_user("eve"), thread.pk, Action.READ_CONTENT)
    place = f"/admin/chatkit_app/{model._meta.model_name}/"

    for address in (place, f"{place}{model.objects.first().pk}/change/"):
        answer = admin_client.get(address, follow=True)
        assert answer.status_code == 200, address
        assert f"/thread/{thread.pk}/change/" not in answer.content.decode()
    assert Thread not in own._registry
