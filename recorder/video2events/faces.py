"""Finds faces in a picture: by dlib with 68 landmarks where it and its weights are installed, else boxes by OpenCV's cascade.

dlib is an optional package ("landmarks") and is imported when it is needed. Knows no video.
"""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.sources.pictures import opencv
from recorder.video2events.align import LANDMARKS, Points
from recorder.video2events.errors import LandmarkError

WEIGHTS = "shape_predictor_68_face_landmarks.dat"
WEIGHTS_VARIABLE = "GLIMPSE_LANDMARKS"
WEIGHTS_PACKAGE = "face_recognition_models"  # carries the file in its folder `models`

# dlib's detector finds faces of 80 pixels and more; a picture of 640 has them at arm's length from any webcam, and takes 30 ms.
DETECT_PX = 640
SMALL_PX = 480  # pictures no longer than this are enlarged twofold for the detector: faces of 40 pixels
CASCADE = "haarcascade_frontalface_alt2.xml"
CASCADE_STEP = 1.1
CASCADE_VOTES = 5
CASCADE_SHARE = 1 / 8  # of the shorter side: a smaller box is no face worth converting

HOW_TO_LANDMARKS = (
    'install them with `pip install "glimpse-davis[landmarks]"`, or install dlib-bin and name its file '
    f"{WEIGHTS} with --landmarks or {WEIGHTS_VARIABLE}"
)


@dataclass(frozen=True)
class Face:
    """A face in a picture. box: (x, y, width, height) pixels; landmarks: [68, 2] pixels (x, y), None from a cascade."""

    box: tuple[float, float, float, float]
    landmarks: Points | None = None

    @property
    def area(self) -> float:
        """Of the box, in square pixels."""
        return self.box[2] * self.box[3]

    @property
    def centre(self) -> Points:
        """Of the box, (x, y) in pixels."""
        x, y, width, height = self.box
        return np.array([x + width / 2, y + height / 2])


class FaceFinder(Protocol):
    """Finds the faces of one picture."""

    @property
    def name(self) -> str:
        """What it is, with its version, for the manifest."""

    @property
    def has_landmarks(self) -> bool:
        """Whether its faces come with landmarks."""

    def find(self, grey: NDArray[np.uint8]) -> Sequence[Face]:
        """Every face, in any order. grey: [H, W]."""


class DlibFinder:
    """dlib's frontal face detector and its 68-point shape predictor (Kazemi & Sullivan 2014)."""

    has_landmarks = True

    def __init__(self, weights: Path) -> None:
        """Raises LandmarkError when dlib is not installed or `weights` is not its 68-point predictor."""
        dlib = _dlib()
        try:
            self._predictor = dlib.shape_predictor(str(weights))
            points = len(self._predictor(np.zeros((8, 8), np.uint8), dlib.rectangle(0, 0, 7, 7)).parts())
        except RuntimeError as error:
            raise LandmarkError(f"{weights}: is no file of dlib's landmarks; name {WEIGHTS} with --landmarks.") from error
        if points != LANDMARKS:
            raise LandmarkError(f"{weights}: gives {points} landmarks where {LANDMARKS} are needed; name {WEIGHTS}.")
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        self.name = f"dlib {dlib.__version__}, {weights.name}"

    def find(self, grey: NDArray[np.uint8]) -> Sequence[Face]:
        """Faces with landmarks; the detector sees a smaller picture, the landmarks are found in the whole one."""
        factor = min(1.0, DETECT_PX / max(grey.shape))
        enlarge = 1 if max(grey.shape) <= SMALL_PX else 0
        boxes = self._detector(_shrunk(grey, factor), enlarge)
        return [self._face(grey, box, factor) for box in boxes]

    def _face(self, grey: NDArray[np.uint8], box: Any, factor: float) -> Face:
        edges = [round(edge / factor) for edge in (box.left(), box.top(), box.right(), box.bottom())]
        parts = self._predictor(grey, self._dlib.rectangle(*edges)).parts()
        landmarks = np.array([(point.x, point.y) for point in parts], np.float64)
        return Face((edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]), landmarks)


class CascadeFinder:
    """OpenCV's cascade for frontal faces (Viola & Jones 2001): a box, no landmarks."""

    has_landmarks = False

    def __init__(self) -> None:
        """Raises LandmarkError when this OpenCV has no cascades."""
        cv2 = opencv()
        make = getattr(cv2, "CascadeClassifier", None)
        path = Path(cv2.data.haarcascades) / CASCADE
        if make is None or not path.is_file():
            raise LandmarkError(
                f"OpenCV {cv2.__version__} has no face cascades; install opencv-python 4, or landmarks instead."
            )
        self._cascade = make(str(path))
        self.name = f"OpenCV {cv2.__version__}, {CASCADE}"

    def find(self, grey: NDArray[np.uint8]) -> Sequence[Face]:
        """Boxes of faces that look at the camera."""
        factor = min(1.0, DETECT_PX / max(grey.shape))
        small = _shrunk(grey, factor)
        least = max(20, round(min(small.shape) * CASCADE_SHARE))
        boxes = self._cascade.detectMultiScale(small, CASCADE_STEP, CASCADE_VOTES, minSize=(least, least))
        return [
            Face((x / factor, y / factor, width / factor, height / factor)) for x, y, width, height in np.asarray(boxes, float)
        ]


def _shrunk(grey: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    if factor >= 1:
        return grey
    cv2 = opencv()
    small: NDArray[np.uint8] = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return small


def _dlib() -> Any:
    try:
        return import_module("dlib")
    except ImportError as error:
        raise LandmarkError(f"Landmarks need dlib, which cannot be loaded ({error}); {HOW_TO_LANDMARKS}.") from error


def find_weights(named: Path | None, environment: Mapping[str, str], data_folder: Path) -> Path | None:
    """Where the weights are: as named, by the environment variable, in the user's data folder, in an installed package.

    None where they are in none of the last two. Raises LandmarkError for a named file that is not there.
    """
    told = named or (Path(environment[WEIGHTS_VARIABLE]) if environment.get(WEIGHTS_VARIABLE) else None)
    if told is not None:
        if not told.is_file():
            raise LandmarkError(f"{told}: there is no such file of landmarks; check --landmarks and {WEIGHTS_VARIABLE}.")
        return told
    return next((path for path in (data_folder / WEIGHTS, *_packaged()) if path.is_file()), None)


def _packaged() -> Sequence[Path]:
    # Looked up, not imported: the package imports setuptools' pkg_resources, which newer setuptools no longer have.
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    return [Path(place) / "models" / WEIGHTS for place in places or ()]


def choose_finder(named: Path | None, environment: Mapping[str, str], data_folder: Path) -> tuple[FaceFinder, str | None]:
    """The best finder that there is, and a sentence when it is only the cascade.

    Raises LandmarkError when weights were asked for and cannot be used, or when there is no finder at all.
    """
    weights = find_weights(named, environment, data_folder)
    try:
        if weights is not None:
            return DlibFinder(weights), None
        problem = f"the landmark weights are missing ({HOW_TO_LANDMARKS})"
    except LandmarkError as error:
        if weights is None or named is not None or environment.get(WEIGHTS_VARIABLE):
            raise
        problem = str(error).removesuffix(".")
    return CascadeFinder(), f"The face is cropped by OpenCV's box and neither rotated nor followed, since {problem}."
