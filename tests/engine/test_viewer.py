from __future__ import annotations

from types import SimpleNamespace
from uuid import UUID

from chatkit_app.engine.viewer import Viewer

VISITOR = UUID(int=5)


def test_a_user_owns_by_the_primary_key() -> None:
    viewer = Viewer(user=SimpleNamespace(pk="abc"))

    assert viewer.key == "u:abc"
    assert not viewer.is_anonymous


def test_a_visitor_owns_by_the_uuid() -> None:
    viewer = Viewer(visitor=VISITOR)

    assert viewer.key == f"v:{VISITOR}"
    assert viewer.is_anonymous


def test_whoever_has_logged_in_is_no_visitor_any_more() -> None:
    viewer = Viewer(user=SimpleNamespace(pk=1), visitor=VISITOR)

    assert viewer.key == "u:1"


def test_no_user_can_be_taken_for_a_visitor() -> None:
    user = Viewer(user=SimpleNamespace(pk=VISITOR))

    assert user.key != Viewer(visitor=VISITOR).key
