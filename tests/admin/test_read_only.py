from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.urls import reverse

from chatkit_app.admin.content import CONTENT
from chatkit_app.admin.read_only import ReadOnlyAdmin, cut, pretty

COLUMNS = [
    (model, column)
    for model, columns in CONTENT.items()
    if model in site._registry
    for column in columns
]


def test_every_page_of_the_app_is_read_only() -> None:
    ours = set(apps.get_app_config("chatkit_app").get_models())

    pages = {model: page for model, page in site._registry.items() if model in ours}

    assert pages
    assert all(isinstance(page, ReadOnlyAdmin) for page in pages.values())


@pytest.mark.parametrize(("model", "column"), COLUMNS)
def test_no_list_can_be_asked_what_is_in_a_column_of_content(
    admin_client, model, column: str
) -> None:
    """How many rows fit would tell it, letter by letter, to those who may not read it."""
    page = reverse(f"admin:chatkit_app_{model._meta.model_name}_changelist")

    for lookup in (column, f"{column}__startswith", f"{column}__icontains"):
        assert admin_client.get(page, {lookup: "a"}).status_code == 400


def test_json_is_indented_and_keeps_its_letters() -> None:
    assert pretty({"größe": [1]}) == '{\n  "größe": [\n    1\n  ]\n}'


def test_a_text_is_cut_at_its_limit_and_tells_how_much_more_there_is() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd" * 1000, 3) == "abc\n… (+3,997)"
