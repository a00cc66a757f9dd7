"""Every text of the window has a translation that fits it, and the recorder's sentences are recognised and translated."""

import gettext
import json
import sys
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from app.i18n import languages, tr, trn, use_language
from app.sentences import tr_sentence, tr_sentences
from protocol.analysis import Verdict
from recorder.measures.thresholds import Reading, Threshold
from recorder.measures.thresholds_table import THRESHOLDS
from recorder.rigcheck import limits

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs" / "translating"))
messages = import_module("messages")  # a program of its own, in no package

FRENCH = ROOT / "assets" / "locale" / "fr" / "LC_MESSAGES"
ROWS = [*THRESHOLDS, *(row for row in vars(limits).values() if isinstance(row, Threshold))]
DETAILS = {
    **dict.fromkeys(("uncertainty_mm", "best", "blur", "hz", "seconds"), 7.0),
    **{"distance_mm": 432.0, "nearest_mm": 300, "farthest_mm": 400, "distance_cm": 43.2, "move_cm": 3.2, "nearest_cm": 30.0},
    **{"farthest_cm": 40.0, "way": "closer", "lens": " (lens not calibrated)", "known": " (12 are masked)"},
    **{"named": "Bias on."},
    **{"camera": "the event camera", "cameras": "in all pictures", "move": "move 4 cm to the subject's left", "count": 31},
    **{"rates": "85,212 events/s, 30 colour pictures/s", "slowest": "colour camera", "where": "colour camera", "side": "left"},
    **{"advice": "use another USB port, give more light, or close other programs", "darker": "right"},
    **{"when": "0.4 s before the cue"},
    **{"likeliest_words": "smile", "asked_words": "open mouth", "all": 2, "kind": "no micro-expression", "how": "not at all"},
    **{"status": "partial", "reason": "The operator aborted it.", "saved": "40,000 events, 3 grey pictures"},
    **{"streams": "rgb", "first": "x is missing"},
    **{"remedy": "make room on the disk"},
    **{"sentence": "The thermal picture never froze."},
}  # fmt: skip


@pytest.fixture
def french():
    assert use_language("fr") == "fr"
    yield
    use_language("en")


@pytest.fixture(scope="module")
def texts():
    return messages.catalogue()


def test_every_text_has_a_translation_with_the_same_names_in_braces(capsys):
    assert messages.main(check=True) == 0, capsys.readouterr().err


def test_the_compiled_catalogue_is_that_of_the_texts():
    with (FRENCH / "glimpse.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in read_po(BytesIO((FRENCH / "glimpse.po").read_bytes()), locale="fr"):
        if isinstance(message.id, str) and message.id:
            assert compiled.gettext(message.id) == message.string
        elif message.id:
            assert compiled.ngettext(*message.id, 2) == message.string[1]


def test_the_list_of_sentences_is_that_of_the_sources(texts):
    listed = json.loads((ROOT / "assets" / "locale" / "sentences.json").read_text(encoding="utf-8"))
    assert listed == texts[1], "run make messages"


def test_the_extraction_finds_literals_plurals_tables_and_constants(texts):
    found = {message.id for message in texts[0]}
    assert "Skip the tour" in found  # a shortcut
    assert ("{n} take", "{n} takes") in found
    assert {"Record", "Record page", "Everywhere"} <= found  # a page, its shortcut, a constant of a module
    assert "Frown" in found


def test_french_is_spoken_and_english_again(french):
    assert languages() == ("en", "fr")
    assert tr("Data set") == "Jeu de données"
    assert trn("{n} take", "{n} takes", 1) == "1 prise"
    assert trn("{n} take", "{n} takes", 3) == "3 prises"
    use_language("en")
    assert tr("Data set") == "Data set"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_limit_says_is_recognised_and_said_in_french_with_its_numbers(french, row):
    for verdict, template in ((Verdict.GOOD, row.good), (Verdict.CHECK, row.bad), (Verdict.REDO, row.ruined)):
        if not template:
            continue
        english = row.sentence(verdict, Reading(37.0, DETAILS))
        translated = tr_sentence(english)
        assert translated != english
        assert [one for one in "0123456789" if one in english] == [one for one in "0123456789" if one in translated]


def test_what_is_filled_in_is_translated_too(french):
    english = "The colour camera is aligned by the computer's clock only; use its pictures with care."
    assert tr_sentence(english).startswith(
        "La caméra couleur est alignée par la seule horloge de l\N{RIGHT SINGLE QUOTATION MARK}ordinateur"
    )
    english = "All cameras give data (85,212 events/s, 30 grey, 9 thermal pictures/s)."
    assert "85\u202f212 événements/s, 30 grises, 9 images thermiques/s" in tr_sentence(english)


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("The capture process died. Saved: 40,000 events, 3 grey pictures.", "40\u202f000 événements, 3 images grises"),
        ("Bias preset: low light instead of default.", "faible lumière au lieu de par défaut"),
        ("The event camera's bias On is 5/7 where the profile has 5/200.", "biais On"),
        ("No colour pictures from HD Webcam for 2 s.", "images couleur"),
        ("The disk took nothing for more than 2.5 s.", "2,5 s"),
        ("The capture process was ended by signal 9.", "signal 9"),
        (
            "The colour camera and the thermal camera give nothing; check cable and lens cap.",
            "caméra couleur et caméra thermique",
        ),
        ("The picture is sharp (0.5 px).", "0,5 px"),
    ],
)
def test_what_the_recorder_says_in_a_banner_is_said_in_french(french, english, told):
    assert tr_sentence(english) != english
    assert told in tr_sentence(english)


def test_what_is_not_known_stays_as_it_is(french):
    assert tr_sentences(["Whatever happens.", ""]) == ("Whatever happens.", "")


def test_in_english_nothing_changes():
    use_language("en")
    assert tr_sentence("The head was held still.") == "The head was held still."


def test_a_translation_that_lost_a_name_in_braces_is_found():
    catalog = Catalog(locale="fr")
    catalog.add("{n} left", "reste")
    catalog.add("{n:.1f} s", "{n} s")
    catalog.add("{n} right", "{n} juste")
    assert len(list(messages.wrong_placeholders(catalog))) == 2


def test_a_text_without_a_translation_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "fr" / "LC_MESSAGES").mkdir(parents=True)
    (tmp_path / "fr" / "LC_MESSAGES" / "glimpse.po").write_text('msgid ""\nmsgstr ""\n"Language: fr\\n"\n')
    for name, path in (("LOCALE", tmp_path), ("TEMPLATE", tmp_path / "x.pot"), ("SENTENCES", tmp_path / "x.json")):
        monkeypatch.setattr(messages, name, path)
    assert messages.main(check=False) == 1
    assert "fr: 'Skip the tour' has no translation" in capsys.readouterr().err
    assert 'msgid "Skip the tour"' in (tmp_path / "fr" / "LC_MESSAGES" / "glimpse.po").read_text(encoding="utf-8")
