from __future__ import annotations

import pytest

from chatkit_app.engine.assistant import Assistant


def test_a_name_is_enough() -> None:
    assistant = Assistant(name="shop")

    assert assistant.provider == "default"
    assert assistant.tools == ()


@pytest.mark.parametrize("name", ["shop-2", "a_B", "x" * 64])
def test_a_name_may_have_letters_digits_hyphens_and_underscores(name) -> None:
    assert Assistant(name=name).name == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "läden", "x" * 65, "shop\n"])
def test_another_name_is_refused_where_it_is_declared(name) -> None:
    with pytest.raises(ValueError, match="is no name for an assistant"):
        Assistant(name=name)


@pytest.mark.parametrize(
    ("attachments", "takes"),
    [
        (False, False),
        (True, True),
        (["image/*"], True),
        (["image/png", "text/plain"], True),
        (["image/gif"], False),
        ([], False),
    ],
)
def test_an_assistant_says_which_files_it_takes(attachments, takes) -> None:
    assert Assistant(name="a", attachments=attachments).takes("image/png") is takes
