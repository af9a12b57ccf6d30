from __future__ import annotations

from django.utils import translation

from chatkit_app.templatetags.chatkit_words import error_words, file_words


def test_the_words_follow_the_pages_language() -> None:
    with translation.override("de"):
        assert file_words()["attach"] == "Dateien anhängen"
        assert error_words()["errorUnknown"]


def test_every_word_of_files_is_translated() -> None:
    english = file_words()
    with translation.override("de"):
        german = file_words()

    assert not {name for name in english if english[name] == german[name]}
