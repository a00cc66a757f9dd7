"""YAML as people edit it: text to plain data with line numbers, and a pydantic error as a sentence about that text.

Stricter than YAML: no key twice, no aliases (a few lines of them can stand for gigabytes), no objects. Knows no script.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from pydantic import BaseModel, ValidationError

from protocol.schema import MAX_DEPTH, problem

MAX_CHARACTERS = 1_000_000  # a script has a few thousand

Path: TypeAlias = tuple[str | int, ...]


class YamlProblem(Exception):
    """Half a sentence on why a text is no YAML that we accept; line: counted from 1, None where it is not known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """Plain data and the line (from 1) on which the value at each path begins; for keys of a mapping, the key's line."""

    data: Mapping[str, Any]
    lines: Mapping[Path, int | None] = field(default_factory=dict)

    def line_of(self, path: Path) -> int | None:
        """The line of the value at `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def load(text: str) -> Document:
    """Read a YAML mapping. Raises YamlProblem and nothing else."""
    if len(text) > MAX_CHARACTERS:
        raise YamlProblem(f"longer than {MAX_CHARACTERS} characters")
    try:
        _refuse_bombs(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines: dict[Path, int | None] = {}
        _visit(node, (), lines)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _syntax(error) from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise YamlProblem(f"not valid YAML ({type(error).__name__}: {error})") from error  # PyYAML lets these through
    if not isinstance(data, dict):
        raise YamlProblem("keys and values were expected, as in 'name: default'", 1)
    return Document(data, lines)


def _refuse_bombs(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise YamlProblem(f"the alias *{event.anchor} is not supported, write the value out", _line(event.start_mark))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise YamlProblem(f"nested more than {MAX_DEPTH} levels deep", _line(event.start_mark))


def _visit(node: yaml.Node | None, path: Path, lines: dict[Path, int | None]) -> None:
    if node is None:
        return
    lines.setdefault(path, _line(node.start_mark))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _visit(item, (*path, index), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*path, str(key.value))
            if place in lines:
                raise YamlProblem(f"the key {key.value!r} is given twice", _line(key.start_mark))
            lines[place] = _line(key.start_mark)
            _visit(value, place, lines)


def _syntax(error: yaml.YAMLError) -> YamlProblem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return YamlProblem(f"not valid YAML ({error.problem or error.context or 'syntax error'})", _line(mark))
    return YamlProblem(f"not valid YAML ({' '.join(str(error).split())})")


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1  # PyYAML counts from 0


def at_line(line: int | None) -> str:
    """`, line 12`, or nothing where the line is not known."""
    return "" if line is None else f", line {line}"


def first_problem(error: ValidationError, document: Document, models: Mapping[Path, type[BaseModel]]) -> tuple[int | None, str]:
    """(line, half a sentence) of what to correct first: a misspelt key before the one that is missing for it.

    models: path without list positions -> the pydantic model at that place.
    """
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda details: details["type"] != "extra_forbidden")
    path = tuple(part for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        model = models.get(tuple(part for part in path[:-1] if isinstance(part, str)))
        return document.line_of(path), _unknown_key(path, list(model.model_fields) if model else [])
    return document.line_of(path) if path else None, problem(path, first["msg"])


def _unknown_key(path: Path, legal: list[str]) -> str:
    key, place = str(path[-1]), ".".join(str(part) for part in path[:-1])
    near = difflib.get_close_matches(key[:64], legal, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"legal are {', '.join(legal)}"
    return f"unknown key {key!r}{' in ' + place if place else ''} ({hint})"
