"""Versioned JSON records: one rule for what an older, a newer and a foreign file means.

`major.minor`: a newer major version is refused; a newer minor one is read and keeps the keys that this program does not
know; an older one is migrated step by step. Within a known version an unknown key is an error, so a misspelt one is found.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from protocol.errors import GlimpseError

Migration = Callable[[dict[str, Any]], dict[str, Any]]

MAX_DEPTH = 100  # pydantic writes at most 255 levels; no record of ours has ten


def _iso_text(value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)):
        raise ValueError(f"{value!r} is no date as in 2025-12-31")  # pydantic would take a number as seconds since 1970
    return value


Day = Annotated[date, BeforeValidator(_iso_text)]
Instant = Annotated[AwareDatetime, BeforeValidator(_iso_text)]  # ISO 8601 with the offset from UTC


class SchemaError(GlimpseError):
    """A record that is not what it should be, or is of a version that this program cannot read."""


class Strict(BaseModel):
    """Frozen data that refuses unknown keys: scripts, settings, messages."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(BaseModel):
    """A piece of a versioned record: frozen, keeps unknown keys (`Versioned.parse` decides whether they are legal)."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


class Versioned(Part):
    """The base of every record on disk; a subclass names its SCHEMA, VERSION and MIGRATIONS (from "major.minor")."""

    SCHEMA: ClassVar[str]
    VERSION: ClassVar[tuple[int, int]]
    MIGRATIONS: ClassVar[Mapping[str, Migration]] = {}

    schema_name: str = Field(alias="schema", default="")
    version: str = ""

    def model_post_init(self, context: Any, /) -> None:
        """Fill in name and version of a record made by this program."""
        if not self.schema_name:
            object.__setattr__(self, "schema_name", self.SCHEMA)
        if not self.version:
            object.__setattr__(self, "version", "{}.{}".format(*self.VERSION))

    def to_json(self) -> str:
        """The record as indented JSON text ending in a newline."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"

    @classmethod
    def parse(cls, text: str | bytes, source: str) -> Self:
        """Read a record; `source` names it in the SchemaError that is raised when it cannot be read."""
        data = _json_object(text, source)
        version = cls._checked_version(data, source)
        while version < cls.VERSION and (migrate := cls.MIGRATIONS.get("{}.{}".format(*version))):
            data = _migrated(data, migrate, source)
            version = cls._checked_version(data, source)
        if version[0] != cls.VERSION[0]:
            raise SchemaError(
                f"{source}: version {version[0]}.{version[1]} of {cls.SCHEMA} has no migration to "
                f"{cls.VERSION[0]}.{cls.VERSION[1]}; restore the file from a backup."
            )
        if version < cls.VERSION:  # only defaults were added: what is written back holds them, so it is of this version
            data["version"] = "{}.{}".format(*cls.VERSION)
        return cls._validated(data, version, source)

    @classmethod
    def _checked_version(cls, data: Mapping[str, Any], source: str) -> tuple[int, int]:
        if data.get("schema") != cls.SCHEMA:
            raise SchemaError(
                f"{source}: this is {data.get('schema')!r}, where {cls.SCHEMA!r} was expected; choose another file."
            )
        match = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", str(data.get("version")))
        if not match:
            raise SchemaError(
                f"{source}: the version {data.get('version')!r} is not of the form 1.0; restore the file from a backup."
            )
        version = (int(match[1]), int(match[2]))
        if version[0] > cls.VERSION[0]:
            raise SchemaError(
                f"{source}: written by a newer Glimpse ({cls.SCHEMA} {data['version']}, this program reads up to "
                f"{cls.VERSION[0]}.x); update Glimpse to open it."
            )
        return version

    @classmethod
    def _validated(cls, data: dict[str, Any], version: tuple[int, int], source: str) -> Self:
        try:
            record = cls.model_validate(data)
        except ValidationError as error:
            raise SchemaError(f"{source}: {describe(error)}; restore the file from a backup.") from error
        if version <= cls.VERSION and (unknown := unknown_keys(record)):
            raise SchemaError(f"{source}: unknown key {unknown[0]!r}; correct its spelling or remove it.")
        return record


def _json_object(text: str | bytes, source: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()  # 1e999, a lone surrogate: read, never written back
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{source}: not valid JSON ({error}); restore the file from a backup.") from error
    if not isinstance(data, dict):
        raise SchemaError(f"{source}: a JSON object was expected; choose another file.")
    if _is_deeper(data, MAX_DEPTH):
        raise SchemaError(f"{source}: nested more than {MAX_DEPTH} levels deep; restore the file from a backup.")
    return data


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    while layer and levels >= 0:
        containers = (item.values() if isinstance(item, dict) else item for item in layer if isinstance(item, dict | list))
        layer = [item for items in containers for item in items]
        levels -= 1
    return bool(layer)


def _migrated(data: dict[str, Any], migrate: Migration, source: str) -> dict[str, Any]:
    try:
        return migrate(data)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise SchemaError(
            f"{source}: the older record lacks what it should hold ({error}); restore it from a backup."
        ) from error


def unknown_keys(value: Any, path: str = "") -> list[str]:
    """Dotted paths of every key that the models do not know, anywhere inside `value`."""
    found: list[str] = []
    if isinstance(value, BaseModel):
        found += [path + key for key in value.model_extra or {}]
        for name in type(value).model_fields:
            found += unknown_keys(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            found += unknown_keys(item, f"{path}{key}.")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            found += unknown_keys(item, f"{path}{index}.")
    return found


def describe(error: ValidationError) -> str:
    """The first problem of a pydantic error as half a sentence: where it is and what is wrong."""
    first = error.errors(include_url=False)[0]
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return problem(first["loc"], first["msg"]) + more


def problem(place: Sequence[int | str], message: str) -> str:
    """One pydantic message as half a sentence, behind its place where it has one."""
    path = ".".join(str(part) for part in place if part != "[key]")
    message = message.removeprefix("Value error, ")
    return f"{path}: {message[0].lower()}{message[1:]}" if path else f"{message[0].lower()}{message[1:]}"
