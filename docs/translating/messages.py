"""Brings assets/locale up to date with the program's texts: `make messages`, or `python docs/translating/messages.py`.

Reads the sources without running them: literals of tr() and trn(), the tables of shortcuts and pages, and the sentences of
verdicts, rig checks and banners, which the recorder writes in English and app.sentences puts into the user's language. Writes
glimpse.pot, merges it into each glimpse.po (new texts come in empty), compiles glimpse.mo, and lists the sentences.
With --check nothing is written, and what is missing or out of date is told.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "assets" / "locale"
TEMPLATE, SENTENCES = LOCALE / "glimpse.pot", LOCALE / "sentences.json"
RECORDER_SOURCES = (
    *("recorder/measures/*.py", "recorder/rigcheck/*.py", "recorder/rigprofile.py", "recorder/backup.py"),
    *(
        "recorder/sources/discovery.py",
        "recorder/sources/davis.py",
        "recorder/sources/opencv_live.py",
        "recorder/sim/client.py",
    ),
    *("recorder/capture.py", "recorder/closing.py", "recorder/engine.py", "recorder/power.py", "recorder/recording.py"),
    *("recorder/recover.py", "recorder/station.py"),
)
NOT_READ = (
    "recorder/measures/thresholds.py",
    "recorder/measures/resemblance",
)  # beginnings of files that say nothing to operators
WITH_REASON = ("_clock", "_camera")  # functions of the table of limits whose arguments are reasons, not sentences
NOT_TEXT = {"reason", "name", "unit"}  # keywords of a Threshold that no operator reads


@dataclass(frozen=True)
class Text:
    """A text of the program. many: its plural; place: file and line."""

    text: str
    place: tuple[str, int]
    many: str = ""


def texts_of_window() -> Iterator[Text]:
    """What app/ hands to tr() and trn(), and what it keeps in tables that are translated when they are shown."""
    for path in sorted((ROOT / "app").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = _constants(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from _called(node, constants, str(path.relative_to(ROOT)))


def _constants(tree: ast.Module) -> dict[str, str]:
    """Names of the module that stand for a text, pairs among them."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.update({target.id: node.value.value for target in node.targets if isinstance(target, ast.Name)})
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            for target, value in zip(node.targets[0].elts, node.value.elts, strict=False):
                if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[target.id] = value.value
    return found


def _called(node: ast.Call, constants: dict[str, str], file: str) -> Iterator[Text]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    words = [_literal(argument, constants) for argument in node.args]
    place = (file, node.lineno)
    if name in ("tr", "translatable") and words and words[0]:
        yield Text(words[0], place)
    elif name == "trn" and len(words) > 1 and words[0] and words[1]:
        yield Text(words[0], place, words[1])
    elif name == "Shortcut":
        yield from (Text(word, place) for word in words[2:4] if word)
    elif name == "PageEntry" and words[1]:
        yield from (Text(words[1], place), Text(f"{words[1]} page", place))


def _literal(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return constants.get(node.id, "") if isinstance(node, ast.Name) else ""


def texts_of_tables() -> Iterator[Text]:
    """Words that are kept as data: names of movements, titles of rig checks, the number under a verdict."""
    from protocol.movement import ALL
    from recorder.rigcheck.limits import TITLES

    names = (name for movement in ALL for name in (movement.display, movement.display.lower()))  # in sentences: small
    yield from (Text(name, ("protocol/movement.py", 1)) for name in names)
    yield from (Text(title, ("recorder/rigcheck/limits.py", 1)) for title in TITLES.values())


def sentences() -> Iterator[Text]:
    """What verdicts and rig checks say, with names in braces where something is filled in."""
    for pattern in RECORDER_SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            file = str(path.relative_to(ROOT))
            if file.startswith(NOT_READ):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            skipped = {id(node) for node in _not_for_reading(tree)}
            for node in ast.walk(tree):
                text = "" if id(node) in skipped else _template(node)
                if is_sentence(text):
                    yield Text(text, (file, getattr(node, "lineno", 1)))
                    skipped.update(id(part) for part in ast.walk(node))


def _not_for_reading(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value  # a docstring
        elif isinstance(node, ast.keyword) and node.arg in NOT_TEXT:
            yield from ast.walk(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WITH_REASON:
            yield from (part for argument in node.args for part in ast.walk(argument))


def _template(node: ast.AST) -> str:
    """A literal or an f-string as a template."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = []
    for index, part in enumerate(node.values):
        if isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("{{", "{").replace("}}", "}"))
        elif isinstance(part, ast.FormattedValue):
            parts.append("{" + _named(part.value, index) + "}")
    return "".join(parts)


def _named(node: ast.expr, index: int) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else f"part{index}"


def is_sentence(text: str) -> bool:
    """Whether an operator may read it: it begins like a sentence and ends like one."""
    words = re.findall(r"[a-z]{2,}", re.sub(r"\{[^}]*\}", "", text))
    return bool(re.match(r"[A-Z{]", text)) and len(words) > 1 and text.endswith((".", ": {named}"))


def catalogue() -> tuple[Catalog, list[str]]:
    """All texts, and which of them are sentences of the recorder."""
    found = Catalog(project="Glimpse", version="", charset="utf-8", fuzzy=False)
    said = list(sentences())
    for text in (*texts_of_window(), *texts_of_tables(), *said):
        found.add((text.text, text.many) if text.many else text.text, locations=[text.place])
    return found, sorted({text.text for text in said})


def main(check: bool) -> int:
    """Bring everything up to date, or only tell what is not; the exit code."""
    template, said = catalogue()
    problems = []
    for path in sorted(LOCALE.glob("*/LC_MESSAGES/glimpse.po")):
        merged = read_po(BytesIO(path.read_bytes()), locale=path.parents[1].name)
        template.creation_date = merged.creation_date  # or every run would change every file
        merged.update(template, no_fuzzy_matching=True)
        empty = [message.id for message in merged if message.id and not _complete(message.string)]
        problems += [f"{path.parents[1].name}: {text!r} has no translation" for text in empty]
        problems += [f"{path.parents[1].name}: {text}" for text in wrong_placeholders(merged)]
        if not check:
            _write(path, merged)
    if not check:
        with TEMPLATE.open("wb") as file:
            write_po(file, template, width=120, omit_header=True, sort_output=True, include_lineno=False)
        SENTENCES.write_text(json.dumps(said, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


def _complete(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) and all(string)


def wrong_placeholders(catalog: Catalog) -> Iterator[str]:
    """Translations whose names in braces differ from the text's."""
    for message in catalog:
        ids = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        strings = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        wanted = {name for text in ids for name in placeholders(text)}
        for string in strings:
            if message.id and string and placeholders(string) != wanted:
                yield f"{ids[0]!r}: other names in braces than in {string!r}"


def placeholders(text: str) -> set[str]:
    """The names in braces, each with its format."""
    return set(re.findall(r"\{\w+[^{}]*\}", text))


def _write(path: Path, catalog: Catalog) -> None:
    catalog.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main("--check" in sys.argv))
