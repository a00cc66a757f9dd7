"""Faces with known landmarks, videos of them, and finders that know where they are."""

import functools
from pathlib import Path

import av
import cv2
import numpy as np

from recorder.video import RgbVideoWriter
from recorder.video2events.faces import Face

FRAME_US = 33_333


def neutral_landmarks():
    """[68, 2]: a plausible face around (0, 0), eyes 60 apart, nose 48 long from its root to its base."""
    points = np.zeros((68, 2))
    angles = np.linspace(np.pi, 0, 17)
    points[0:17] = np.stack([70 * np.cos(angles), -10 + 90 * np.sin(angles)], axis=1)
    points[17:27] = np.stack([np.linspace(-50, 50, 10), np.full(10, -50.0)], axis=1)
    points[27:31] = [(0, -28), (0, -18), (0, -8), (0, 0)]
    points[31:36] = [(-14, 17), (-7, 19), (0, 20), (7, 19), (14, 17)]
    ring = np.array([(-12, 0), (-5, -5), (5, -5), (12, 0), (5, 5), (-5, 5)])
    points[36:42], points[42:48] = np.add(ring, (-30, -28)), np.add(ring, (30, -28))
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    points[48:68] = np.stack([25 * np.cos(turn), 45 + 10 * np.sin(turn)], axis=1)
    return points


def similarity_matrix(angle_deg, scale, shift):
    """[2, 3]"""
    a = scale * np.exp(1j * np.deg2rad(angle_deg))
    return np.array([[a.real, -a.imag, shift[0]], [a.imag, a.real, shift[1]]])


def moved(points, matrix):
    """points [n, 2] through a matrix [2, 3]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


@functools.cache
def drawn_face(lids, size=400):
    """A smooth grey picture [size, size] with the neutral face in its middle; lids: 0 open eyes to 1 closed ones."""
    image = np.full((size, size), 70, np.uint8)
    points = np.round((neutral_landmarks() + size / 2) * 16).astype(int)
    cv2.ellipse(image, (size // 2, size // 2), (80, 105), 0, 0, 360, 180, -1)
    for eye in (points[36:42], points[42:48]):
        cv2.fillPoly(image, [eye], round(30 + 150 * lids), shift=4)
    cv2.fillPoly(image, [points[48:60]], 90, shift=4)
    cv2.polylines(image, [points[27:36]], False, 120, 4, shift=4)
    return cv2.GaussianBlur(image, (0, 0), 3)


def face_at(matrix, size=(320, 240), lids=0.0):
    """(picture [H, W], landmarks [68, 2]) of the drawn face brought by `matrix` from around (0, 0) into a picture of `size`."""
    from_image = matrix @ np.array([[1, 0, -200.0], [0, 1, -200.0], [0, 0, 1]])
    picture = cv2.warpAffine(drawn_face(lids), from_image, size, borderMode=cv2.BORDER_REPLICATE)
    return picture, moved(neutral_landmarks(), matrix)


class KnowingFinder:
    """Gives the faces of a list, one entry a picture: a list of landmarks, or of Face."""

    name = "a finder that knows"
    has_landmarks = True

    def __init__(self, pictures):
        self._pictures = iter(pictures)

    def find(self, grey):
        return [one if isinstance(one, Face) else as_face(one) for one in next(self._pictures)]


def as_face(landmarks):
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return Face((*low, *(high - low)), landmarks)


def swaying(count=12):
    """`count` matrices of a head that turns, comes nearer and moves aside."""
    steps = np.arange(count)
    return [
        similarity_matrix(8 * np.sin(k / 3), 0.9 + 0.1 * np.sin(k / 5), (160 + 6 * np.sin(k / 2), 120 + 3 * k / count))
        for k in steps
    ]


def write_video(path: Path, pictures, times_us=None):
    """A colour video of grey pictures [H, W] at these times, evenly spaced without them; its first time becomes 0."""
    times_us = range(0, FRAME_US * len(pictures), FRAME_US) if times_us is None else times_us
    with RgbVideoWriter(path, lossless=True) as video:
        for picture, t_us in zip(pictures, times_us, strict=True):
            video.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), int(t_us))
    return path


def write_turned(path: Path, pictures):
    """The same, stored lying on its side with the note that a player must turn it clockwise, as telephones do."""
    write_video(path, [np.ascontiguousarray(np.rot90(picture)) for picture in pictures])
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # ISO 14496-12, 8.3.2: the matrix of a version 0 track header
    turn = np.array([[0, 1 << 16, 0], [-1 << 16, 0, 0], [0, 0, 1 << 30]], ">i4")
    data[at : at + 36] = turn.tobytes()
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).rotation == -90
    return path


def write_folder(path: Path, pictures):
    """PNG files with numbers as names."""
    path.mkdir()
    for number, picture in enumerate(pictures):
        (path / f"{number}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return path


def turning(count=12, size=(320, 240)):
    """(pictures, landmarks) of the swaying head, which closes its eyes and opens them."""
    both = [face_at(matrix, size, lids=k % 6 / 5) for k, matrix in enumerate(swaying(count))]
    return [picture for picture, _ in both], [[landmarks] for _, landmarks in both]
