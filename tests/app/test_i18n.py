"""Which language is spoken."""

import pytest

from app.i18n import languages, spoken, system_language, tr, trn, use_language


@pytest.fixture(autouse=True)
def english_again():
    yield
    use_language("en")


@pytest.fixture
def environment(monkeypatch):
    """Sets what the system says of languages; what is not named is not set."""

    def told(**values):
        for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return told


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "en"),
        ({"LANG": "fr_CH.UTF-8"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "xx_YY"}, "en"),
        ({"LANG": "fr_FR", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANGUAGE": "xx:fr:en", "LANG": "en_US"}, "fr"),
    ],
)
def test_the_first_language_of_the_system_that_there_is(environment, values, code):
    environment(**values)
    assert system_language() == code
    assert use_language("system") == spoken() == code


def test_a_language_that_there_is_not_is_english(environment):
    assert use_language("xx") == "en"
    assert tr("Settings") == "Settings"


def test_english_is_first_and_french_is_shipped():
    assert languages()[0] == "en"
    assert "fr" in languages()


def test_counts_have_their_form_in_each_language():
    forms = ("{n} take was saved.", "{n} takes were saved.")
    assert [trn(*forms, n) for n in (0, 1, 2)] == ["0 takes were saved.", "1 take was saved.", "2 takes were saved."]
    use_language("fr")
    zero, one, two = (trn(*forms, n) for n in (0, 1, 2))
    assert (zero[1:], one[1:]) == (one[1:], zero[1:])  # in French nought is one
    assert one[1:] != two[1:]


def test_nothing_translates_to_nothing():
    use_language("fr")
    assert tr("") == ""
