"""Texts in the user's language: gettext catalogues in assets/locale, English as the key. Knows no Qt.

`tr` takes a literal, so that the extraction finds it; what varies is filled in afterwards: tr("{n} takes").format(n=3).
"""

import gettext
import os
from importlib.resources import as_file, files

SYSTEM = "system"
DOMAIN = "glimpse"

_catalogue: list[gettext.NullTranslations] = []  # one program speaks one language
_code: list[str] = []


def tr(text: str) -> str:
    """The text in the language in use; itself where it is not translated."""
    return _catalogue[0].gettext(text) if _catalogue and text else text


def translatable(text: str) -> str:
    """The text as it is; marks a literal that is translated where it is shown."""
    return text


def trn(one: str, many: str, count: int) -> str:
    """The form for `count`, with "{n}" filled in."""
    form = _catalogue[0].ngettext(one, many, count) if _catalogue else (one if count == 1 else many)
    return form.format(n=count)


def languages() -> tuple[str, ...]:
    """Codes of the languages that there are, English first."""
    folder = files("assets").joinpath("locale")
    found = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []
    return ("en", *(code for code in found if code != "en"))


def system_language() -> str:
    """The first language of the environment that there is a catalogue for, else English."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        for wanted in os.environ.get(name, "").split(":"):
            code = wanted.replace("-", "_").split("_")[0].split(".")[0].casefold()
            if code in languages():
                return code
    return "en"


def use_language(code: str) -> str:
    """Speak this language from now on ("system": the environment's); returns the one that is spoken."""
    code = system_language() if code == SYSTEM else code
    with as_file(files("assets").joinpath("locale")) as folder:
        _catalogue[:] = [gettext.translation(DOMAIN, folder, languages=[code], fallback=True)]
    _code[:] = [code if code in languages() else "en"]
    return _code[0]


def spoken() -> str:
    """The code of the language in use."""
    return _code[0] if _code else "en"
