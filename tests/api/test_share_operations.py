from __future__ import annotations

from chatkit_app.api import shares, urls
from chatkit_app.api.operations import OPERATIONS
from chatkit_app.api.share_operations import SHARE_OPERATIONS


def test_all_views_of_links_are_told_of_in_the_table_of_all() -> None:
    views = {
        pattern.callback.view_class.__name__
        for pattern in urls.urlpatterns
        if pattern.callback.view_class.__module__ == shares.__name__
    }

    assert set(SHARE_OPERATIONS) == views
    assert SHARE_OPERATIONS.items() <= OPERATIONS.items()
