"""The XML in the header that says which streams a file has, in the very shape that dv-processing gives it.

Knows neither packets nor files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from recorder.aedat4.flat import FlatError

MAX_STREAMS = 1000
_INDENT = "    "


@dataclass(frozen=True)
class StreamMeta:
    """One stream. id: as in the packet headers; kind: "EVTS", "FRME", "IMUS", "TRIG" or what else DV knows;
    name: "events" and so on; resolution: (width, height) in pixels; source: camera and serial number.
    """

    id: int
    kind: str
    name: str
    resolution: tuple[int, int] | None
    source: str


def to_xml(streams: Iterable[StreamMeta], compression: str, metadata: Mapping[str, str]) -> str:
    """metadata: further attributes of every stream's info node. Attributes are sorted by name, as DV sorts them."""
    lines = ['<dv version="2.0">', f'{_INDENT}<node name="outInfo" path="/outInfo/">']
    for stream in streams:
        lines += [_INDENT * 2 + line for line in _stream_lines(stream, compression, metadata)]
    return "\n".join([*lines, f"{_INDENT}</node>", "</dv>", ""])


def _stream_lines(stream: StreamMeta, compression: str, metadata: Mapping[str, str]) -> list[str]:
    attributes = {
        "compression": compression,
        "originalModuleName": "MonoCameraWriter",
        "originalOutputName": stream.name,
        "typeDescription": "Custom data type output.",
        "typeIdentifier": stream.kind,
    }
    info: dict[str, str | int] = {**metadata, "source": stream.source}
    if stream.resolution is not None:
        info["sizeX"], info["sizeY"] = stream.resolution
    path = f"/outInfo/{stream.id}/"
    return [
        f'<node name="{stream.id}" path="{path}">',
        *(_INDENT + _attribute(key, value) for key, value in attributes.items()),
        f'{_INDENT}<node name="info" path="{path}info/">',
        *(_INDENT * 2 + _attribute(key, info[key]) for key in sorted(info)),
        f"{_INDENT}</node>",
        "</node>",
    ]


def _attribute(key: str, value: str | int) -> str:
    kind = "int" if isinstance(value, int) else "string"
    return f'<attr key="{_escaped(key)}" type="{kind}">{_escaped(str(value))}</attr>'


def _escaped(text: str) -> str:
    return escape(text, {'"': "&quot;", "'": "&apos;"})


def from_xml(text: str) -> tuple[StreamMeta, ...]:
    """The streams, in order of their ids; raises FlatError."""
    if "<!" in text:
        raise FlatError("its description of the streams contains declarations, which no camera writes")
    try:
        top = ElementTree.fromstring(text.rstrip("\0"))  # noqa: S314 - declarations, and with them entities, are refused above
    except (ElementTree.ParseError, ValueError) as error:
        raise FlatError(f"its description of the streams is not valid XML ({error})") from error
    nodes = [node for out in top.findall("node[@name='outInfo']") for node in out.findall("node")]
    if len(nodes) > MAX_STREAMS:
        raise FlatError(f"it describes {len(nodes)} streams")
    return tuple(sorted((_stream(node) for node in nodes), key=lambda stream: stream.id))


def _stream(node: ElementTree.Element) -> StreamMeta:
    values = _values(node)
    info_node = node.find("node[@name='info']")
    info = {} if info_node is None else _values(info_node)
    name = node.get("name", "")
    if not (name.isascii() and name.isdigit() and len(name) < 10):
        raise FlatError(f"it describes a stream numbered {name!r}")
    return StreamMeta(
        id=int(name),
        kind=values.get("typeIdentifier", ""),
        name=values.get("originalOutputName", ""),
        resolution=_resolution(info),
        source=info.get("source", ""),
    )


def _values(node: ElementTree.Element) -> dict[str, str]:
    return {attribute.get("key", ""): attribute.text or "" for attribute in node.findall("attr")}


def _resolution(info: Mapping[str, str]) -> tuple[int, int] | None:
    sides = [info.get(key, "") for key in ("sizeX", "sizeY")]
    if all(side.isascii() and side.isdigit() and len(side) < 6 and int(side) > 0 for side in sides):
        return int(sides[0]), int(sides[1])
    return None
