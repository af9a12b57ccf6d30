"""The table of operations, held to the views."""

from __future__ import annotations

from chatkit_app.api import urls
from chatkit_app.api.operations import CODES, EVERYWHERE, OPERATIONS, WITH_BODY


def views():
    for pattern in urls.urlpatterns:
        view = pattern.callback.view_class
        if view.__name__ in OPERATIONS:
            yield view


def test_a_view_is_described_with_all_its_methods_and_parameters() -> None:
    for view in views():
        told = OPERATIONS[view.__name__]
        methods = {*view.http_method_names} - {"head", "options"}
        assert told.keys() == methods, view
        query = {name for operation in told.values() for name in operation.query}
        assert query == set(view.parameters or ()), view


def test_every_status_of_an_error_has_its_codes() -> None:
    for told in OPERATIONS.values():
        for operation in told.values():
            assert {*EVERYWHERE, *WITH_BODY, *operation.errors} <= CODES.keys()
