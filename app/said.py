"""What a page's model has to tell whoever sits at the window. No Qt: the page makes a banner or a toast of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """Something that must be told. state: good, check, redo or unknown; key: of a banner that stays, "" for a toast that goes;
    remedy: name of what the banner's button does, "" without one; over: the banner with that key has no reason any more.
    """

    text: str
    state: str = "unknown"
    key: str = ""
    remedy: str = ""
    over: bool = False
