from __future__ import annotations

from django.apps import apps
from django.contrib.admin import site

from chatkit_app.admin.read_only import ReadOnlyAdmin, cut, pretty


def test_every_page_of_the_app_is_read_only() -> None:
    ours = set(apps.get_app_config("chatkit_app").get_models())

    pages = {model: page for model, page in site._registry.items() if model in ours}

    assert pages
    assert all(isinstance(page, ReadOnlyAdmin) for page in pages.values())


def test_json_is_indented_and_keeps_its_letters() -> None:
    assert pretty({"größe": [1]}) == '{\n  "größe": [\n    1\n  ]\n}'


def test_a_text_is_cut_at_its_limit_and_tells_how_much_more_there_is() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd" * 1000, 3) == "abc\n… (+3,997)"
