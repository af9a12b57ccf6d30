from __future__ import annotations

from django.urls import resolve, reverse

from chatkit_app import views


def test_the_visitor_s_address_is_known_by_name() -> None:
    assert reverse("chatkit:visitor") == "/chatkit/visitor/"
    assert resolve("/chatkit/visitor/").func is views.open_visitor


def test_the_history_is_below_the_app_s_own_mount() -> None:
    assert resolve("/chatkit/api/threads/").app_names == ["chatkit"]


def test_the_page_of_a_link_is_known_by_name() -> None:
    assert reverse("chatkit:shared", args=["abc"]) == "/chatkit/shared/abc/"
    assert resolve("/chatkit/shared/abc/").func is views.shared
