"""The rig check as a whole: looks at the rig about once a second, from a thread of its own, and remembers what it needs.

One look takes a tenth of a second on one core, most of it in OpenCV, NumPy and compiled code, which let other threads go on.
Knows no window and no take.
"""

from collections.abc import Sequence

from protocol.streams import Stream
from recorder.faces.geometry import face_box
from recorder.faces.pictures import PictureFaces, SeenFace
from recorder.rigcheck.events import EventMemory
from recorder.rigcheck.findings import Check
from recorder.rigcheck.pictures import FocusMemory, background, exposure, light_even
from recorder.rigcheck.place import FACE_STREAMS, SeenIn, distance, face_centred
from recorder.rigcheck.streams import LossMemory, cameras_alive, disk, profile, usb_speed
from recorder.rigcheck.views import RigView, Snap
from recorder.video2events.errors import LandmarkError
from recorder.video2events.faces import CascadeFinder, FaceFinder

SEARCH_NS = 900_000_000  # a search takes 30 ms a picture: once a second
HOLD_NS = 2_500_000_000  # a face that blinks, or turns for a moment, is still there
AGREEING = 3  # pictures; of a single one a face is believed only if both its eyes are seen, which glasses may hide
_SOURCES = {Stream.FRAMES: "aps", Stream.RGB: "rgb"}


class FaceMemory:
    """Where the face was last seen by each camera. Without OpenCV's cascades it sees none, and `problem` says why."""

    def __init__(self, finder: FaceFinder | None = None) -> None:
        self.problem = ""
        self._faces: PictureFaces | None = None
        self._seen: dict[Stream, tuple[int, SeenIn]] = {}
        self._searched_ns: int | None = None
        self._turn = 0
        try:
            self._faces = PictureFaces(finder or CascadeFinder())
        except LandmarkError as error:
            self.problem = str(error)

    def look(self, view: RigView) -> dict[Stream, SeenIn]:
        """The face by camera; it is searched for once a second."""
        if self._searched_ns is None or not 0 <= view.now_ns - self._searched_ns < SEARCH_NS:
            self._searched_ns = view.now_ns
            self._search(view)
        self._seen = {
            stream: (at_ns, seen)
            for stream, (at_ns, seen) in self._seen.items()
            if 0 <= view.now_ns - at_ns <= HOLD_NS and view.pictures.get(stream)
        }
        return {stream: seen for stream, (_, seen) in self._seen.items()}

    def _search(self, view: RigView) -> None:
        self._turn += 1
        for number, stream in enumerate(FACE_STREAMS):
            snaps = view.pictures.get(stream, ())
            # A thorough search takes three times as long: of one camera at a time.
            thorough = self._turn % len(FACE_STREAMS) == number
            if snaps and (found := self._find(snaps, thorough=thorough)):
                self._seen[stream] = view.now_ns, _seen_in(stream, found, snaps[-1])

    def _find(self, snaps: Sequence[Snap], *, thorough: bool) -> list[SeenFace]:
        if self._faces is None:
            return []
        found = self._faces.find([snaps[-1].image])
        if found or not thorough:
            return found
        return self._faces.find([snap.image for snap in snaps[-AGREEING:] if snap.image.shape == snaps[-1].image.shape])


def _seen_in(stream: Stream, found: Sequence[SeenFace], snap: Snap) -> SeenIn:
    height, width = snap.image.shape[:2]
    box = face_box(found[0].eyes, _SOURCES[stream], found[0].confidence)
    return SeenIn(stream, box, (width, height), len(found))


class RigChecker:
    """Judges one view after another. For one thread at a time."""

    def __init__(self, finder: FaceFinder | None = None) -> None:
        """finder: of faces in pictures, OpenCV's cascade by default."""
        self._faces = FaceMemory(finder)
        self._focus = FocusMemory()
        self._losses = LossMemory()
        self._events = EventMemory()

    @property
    def problem(self) -> str:
        """Why no faces can be found, "" where they can."""
        return self._faces.problem

    def look(self, view: RigView) -> tuple[Check, ...]:
        """Every check, in the order in which they are shown (that of `limits.TITLES`)."""
        faces = self._faces.look(view)
        return (
            cameras_alive(view),
            self._losses.look(view),
            usb_speed(view),
            disk(view),
            distance(view, faces),
            face_centred(view, faces),
            self._focus.look(view, faces),
            background(view, faces),
            light_even(view, faces),
            exposure(view, faces),
            *self._events.look(view),
            profile(view),
        )
