"""Pictures of the simulated rig for docs/: subjects, movements, events, paper, temperature. Made by the rig that records.

    python docs/pictures/make_sim_pictures.py [--head builtin|ict|FILE] [--only NAME] [--out docs/pictures] [--seed 1]

Without --head they are made with both heads, where the ICT-FaceKit head is found. The same seeds give the same pictures.
"""

import argparse
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from protocol.movement import MOVEMENTS
from protocol.streams import Array, Frame, Packet, Records, Stream
from recorder.clock import EventPace
from recorder.sim.casting import cast
from recorder.sim.clocks import draw_clock
from recorder.sim.colour_camera import ColourCamera, ColourOptions
from recorder.sim.habits import posed
from recorder.sim.heads import BUILTIN, locate_head
from recorder.sim.lamp import Lamp
from recorder.sim.manner import Manner, draw_manner
from recorder.sim.motion import BODY
from recorder.sim.movements import perform
from recorder.sim.options import SimOptions
from recorder.sim.rig import STEP_US, SimRig
from recorder.sim.slides import GONE_MM
from recorder.sim.state import FaceState, PaperState
from recorder.sim.world import World
from recorder.sources.base import Prompt, Surroundings

Picture = NDArray[np.uint8]

INTENSITY = 0.9
SUBJECTS = 10
EVENT_SUBJECTS = (1, 2, 3)
FACE_ASPECT = 1.25  # height / width of a portrait
TILE, EVENT_TILE = (104, 130), (115, 130)
ON, OFF = (190, 90, 20), (40, 40, 210)  # BGR
SETTLING = 40  # pictures until the auto-exposure has settled
PAPER_SEED = 3
TURNING = (4, 12)  # subjects, one for each mistake that is shown
THERMAL_C = (21.0, 37.5)
COLOURS = {"faces": 112, "movements": 40, "paper": 200}  # of a palette; 64 for the others

# --- subjects that hold still


class Sitter:
    """A subject who holds one face until told to make another. Satisfies recorder.sim.world.Actor."""

    def __init__(self, seed: int, head: str | None) -> None:
        play = cast(seed, SimOptions(head=head))
        self.world = World(play.mesh, play.look, play.traits, play.sheet, self)
        self._manner: Manner = draw_manner(np.random.default_rng([seed, 3]))
        self._face = self.neutral()
        options = ColourOptions(drop_share=0.0)
        rng = np.random.default_rng([seed, 4])
        self._camera = ColourCamera(rng, self.world, Lamp(), draw_clock(rng), 0, 0, options)
        self._now_us = 0
        self.photograph(SETTLING)

    def face(self, t_us: int) -> FaceState:
        """The same at any time."""
        return self._face

    def paper(self, t_us: int) -> PaperState:
        """None."""
        return PaperState(GONE_MM)

    def neutral(self) -> FaceState:
        """At rest, in this subject's posture."""
        return posed(self._manner, {}, dict.fromkeys(BODY, 0.0))

    def at_apex(self, token: str) -> FaceState:
        """A movement where it is strongest."""
        gesture = perform(token, 0, 800_000, INTENSITY, self._manner, np.random.default_rng(1))
        units: dict[str, float] = {}
        body = dict.fromkeys(BODY, 0.0)
        gesture.add(gesture.apex_us + 8_000, units, body)
        return posed(self._manner, units, body)

    def make(self, face: FaceState) -> None:
        """Hold another face from now on."""
        self._face = face

    def photograph(self, pictures: int = 4) -> Picture:
        """The last of some pictures of the colour camera, mean of the last two: [480, 640, 3] BGR."""
        shots: list[NDArray[Any]] = []
        while len(shots) < pictures:
            self._now_us += 33_000
            shots += [shot.frame.image for shot in self._camera.due(self._now_us)]
        return cv2.addWeighted(shots[-1], 0.5, shots[-2], 0.5, 0)  # type: ignore[return-value]


def faces(head: str | None, seed: int) -> Picture:
    """Ten subjects, each neutral and at the apex of every movement, by the colour camera."""
    rows = [_row_of_faces(Sitter(seed + number, head)) for number in range(SUBJECTS)]
    names = ["neutral", *(movement.display.lower() for movement in MOVEMENTS)]
    return np.vstack([_captions(names, TILE[0]), *rows])


def _row_of_faces(sitter: Sitter) -> Picture:
    tiles = [_portrait(sitter.photograph())]
    for movement in MOVEMENTS:
        sitter.make(sitter.at_apex(movement.token))
        tiles.append(_portrait(sitter.photograph()))
    return np.hstack(tiles)


def _portrait(picture: Picture) -> Picture:
    """The middle of a picture, as a tile."""
    height, width = picture.shape[:2]
    side = round(height / FACE_ASPECT)
    left = (width - side) // 2
    return _sized(picture[:, left : left + side], TILE)


# --- takes by the rig


class Session:
    """The rig at full speed, with prompts of our own: one take after the other."""

    def __init__(self, seed: int, head: str | None, video: tuple[Stream, ...] = (), **options: str) -> None:
        self._prompt: Prompt | None = None
        chosen = options | ({"head": head} if head else {})
        around = Surroundings(EventPace(), lambda: self._prompt, time.monotonic_ns, time.sleep, video)
        self._rig = SimRig(seed, around, chosen)
        info = self._rig.open()
        assert info.truth is not None
        self._truth = info.truth
        self._packets: list[Packet] = []
        self.now_us = 0
        self.run(0.05)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._rig.close()

    def ask(self, index: int, action: str, movement: str | None = None) -> None:
        """Show a prompt; index 0 begins a new take."""
        self._prompt = Prompt(index, self.now_us, action, action, movement, action)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * 1e6 / STEP_US)):
            for packet in self._rig.read():
                self._packets.append(packet)
                if isinstance(packet, Records) and packet.stream is Stream.IMU:
                    self.now_us = int(packet.records["t"][-1])

    def truth(self) -> dict[str, Any]:
        """The ground truth so far."""
        return dict(self._truth(None, None) or {})

    def events(self, begin_us: float, end_us: float) -> Picture:
        """Events between two instants: ON blue, OFF red, on white; the last of each pixel."""
        picture = np.full((260, 346, 3), 255, np.uint8)
        for packet in self._packets:
            if isinstance(packet, Records) and packet.stream is Stream.EVENTS:
                _lay(picture, packet.records, begin_us, end_us)
        return picture

    def frame(self, stream: Stream, at_us: float) -> NDArray[Any]:
        """The picture nearest to an instant of event time, by the true offset of the camera's clock."""
        frames = [packet for packet in self._packets if isinstance(packet, Frame) and packet.stream is stream]
        offset_us = 0 if stream is Stream.FRAMES else self.truth()["clocks"][stream.value]["offset_us"]
        return min(frames, key=lambda frame: abs((frame.stream_us or 0) + offset_us - at_us)).image


def _lay(picture: Picture, events: Array, begin_us: float, end_us: float) -> None:
    inside = events[(events["t"] >= begin_us) & (events["t"] < end_us)]
    picture[inside["y"], inside["x"]] = np.where(inside["p"][:, None] == 1, ON, OFF)


def movements(head: str | None, seed: int) -> Picture:
    """Every movement of a few subjects: what happens between onset and apex as events, and the grey picture at the apex."""
    columns = [_column_of_movements(subject, head) for subject in EVENT_SUBJECTS]
    names = [movement.display.lower() for movement in MOVEMENTS]
    side = np.vstack([_caption(name, (EVENT_TILE[1], 62)) for name in names])
    return np.hstack([side, *columns])


def _column_of_movements(subject: int, head: str | None) -> Picture:
    rows = []
    with Session(subject, head, intensity=f"{INTENSITY:g}", duration_ms="800") as session:
        for movement in MOVEMENTS:
            session.ask(0, "neutral")
            session.run(0.3)
            session.ask(1, "move", movement.token)
            session.run(1.1)
            truth = session.truth()
            seen = session.events(truth["onset_us"], truth["apex_us"])
            grey = cv2.cvtColor(session.frame(Stream.FRAMES, truth["apex_us"] + 10_000), cv2.COLOR_GRAY2BGR)
            rows.append(np.hstack([_middle(seen), _middle(grey)]))
            session.run(0.8)
    return np.vstack(rows)


def _middle(picture: NDArray[Any]) -> Picture:
    """The face in a picture of the event camera, as a tile."""
    return _sized(picture[:, 58:288], EVENT_TILE)


def paper(head: str | None, seed: int) -> Picture:
    """The sheet and the hand as they come and leave, before all cameras."""
    with Session(
        PAPER_SEED, head, (Stream.RGB, Stream.THERMAL), thermal_fps="27", thermal_freeze="60", rgb_drop="0"
    ) as session:
        session.run(1.0)
        session.ask(0, "paper_in")
        session.run(2.0)
        session.ask(1, "neutral")
        session.run(1.2)
        truth = session.truth()
        begin, end = truth["paper"]["in_us"], truth["t0_us"]
        moments = (
            begin + 50_000,
            begin + 110_000,
            begin + 180_000,
            begin + 900_000,
            end - 110_000,
            end - 60_000,
            end + 400_000,
        )
        return np.hstack([_moment(session, at_us) for at_us in moments])


def _moment(session: Session, at_us: float) -> Picture:
    """Events of 15 ms, grey, colour and thermal picture of one instant, one above the other."""
    grey = cv2.cvtColor(session.frame(Stream.FRAMES, at_us), cv2.COLOR_GRAY2BGR)
    colour = session.frame(Stream.RGB, at_us)
    warm = thermogram(session.frame(Stream.THERMAL, at_us))
    tiles = [session.events(at_us - 7_500, at_us + 7_500), grey, colour, warm]
    return np.vstack([_sized(tile, (148, 111)) for tile in tiles])


def thermogram(picture: NDArray[Any]) -> Picture:
    """Hundredths of a kelvin as colours."""
    low, high = THERMAL_C
    share = (picture.astype(np.float32) / 100 - 273.15 - low) / (high - low)
    return cv2.applyColorMap(np.clip(share * 255, 0, 255).astype(np.uint8), cv2.COLORMAP_INFERNO)  # type: ignore[return-value]


def thermal(head: str | None, seed: int) -> Picture:
    """The thermal camera's pictures of four subjects, and the scale."""
    tiles = []
    for subject in range(seed, seed + 4):
        with Session(subject, head, (Stream.THERMAL,), thermal_freeze="60") as session:
            session.run(1.0)
            tiles.append(_sized(thermogram(session.frame(Stream.THERMAL, session.now_us)), (240, 180)))
    return np.hstack([*tiles, _scale(180)])


def _scale(height: int) -> Picture:
    bar = np.linspace(255, 0, height).astype(np.uint8)[:, None].repeat(14, axis=1)
    coloured = cv2.applyColorMap(bar, cv2.COLORMAP_INFERNO)
    text = np.full((height, 44, 3), 255, np.uint8)
    for celsius in range(math.ceil(THERMAL_C[0]) + 1, math.floor(THERMAL_C[1]), 4):
        at = round(height * (THERMAL_C[1] - celsius) / (THERMAL_C[1] - THERMAL_C[0]))
        _write(text, f"{celsius} C", (4, at + 4))
    return np.hstack([coloured, text])


def mistakes(head: str | None, seed: int) -> Picture:
    """Turning the head and talking: grey pictures, and the events of 30 ms."""
    return np.vstack([_mistake(kind, subject, head) for kind, subject in zip(("head_turn", "talking"), TURNING, strict=True)])


def _mistake(kind: str, subject: int, head: str | None) -> Picture:
    with Session(subject, head, mistake=kind) as session:
        session.run(0.2)
        session.ask(0, "move", "smile")
        session.run(5.0)
        other = next(one for one in session.truth()["others"] if one["kind"] in ("headTurn", "talk"))
        begin, end = other["onset_us"], other["offset_us"]
        tiles = []
        for at_us in np.linspace(begin, end, 7)[1:-1]:
            grey = cv2.cvtColor(session.frame(Stream.FRAMES, at_us), cv2.COLOR_GRAY2BGR)
            tiles.append(
                np.vstack([_sized(session.events(at_us - 15_000, at_us + 15_000), (160, 120)), _sized(grey, (160, 120))])
            )
        return np.hstack([_caption(kind.replace("_", " "), (240, 62)), *tiles])


# --- sheets


def _sized(picture: NDArray[Any], size: tuple[int, int]) -> Picture:
    """A tile with a white border at the right and below."""
    small = cv2.resize(picture, (size[0] - 2, size[1] - 2), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, 2, 0, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))  # type: ignore[return-value]


def _write(picture: Picture, text: str, at: tuple[int, int]) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (60, 60, 60), 1, cv2.LINE_AA)


def _captions(names: Sequence[str], width: int) -> Picture:
    return np.hstack([_caption(name, (18, width)) for name in names])


def _caption(text: str, shape: tuple[int, int]) -> Picture:
    """Words on white, one a line where the shape is high."""
    picture = np.full((*shape, 3), 255, np.uint8)
    lines = text.split() if shape[0] > 40 else [text]
    for number, line in enumerate(lines):
        _write(picture, line, (3, shape[0] // 2 + 4 + 14 * number - 7 * (len(lines) - 1)))
    return picture


def save(path: Path, picture: Picture, colours: int) -> None:
    """As a PNG with a palette, as small as it gets."""
    image = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    image.quantize(colours, Image.Quantize.MEDIANCUT, 2, None, Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB, {picture.shape[1]} x {picture.shape[0]}")


PICTURES: Mapping[str, Callable[[str | None, int], Picture]] = {
    "faces": faces,
    "movements": movements,
    "paper": paper,
    "thermal": thermal,
    "mistakes": mistakes,
}
BOTH_HEADS = ("faces", "movements")  # the others are made with the better one


def _heads(wanted: str | None) -> list[str | None]:
    """The heads to make pictures with, the better one first."""
    if wanted or locate_head(None, os.environ).name == BUILTIN:
        return [wanted]
    return [None, BUILTIN]


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the simulated rig for docs/.")
    parser.add_argument("--head", help="builtin, ict or a file; default: both")
    parser.add_argument("--only", choices=list(PICTURES), action="append", help="only this picture")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    parser.add_argument("--seed", type=int, default=1, help="of the first subject")
    args = parser.parse_args()
    for name in args.only or PICTURES:
        for number, head in enumerate(_heads(args.head)):
            if number == 0 or name in BOTH_HEADS:
                label = locate_head(head, os.environ).name
                save(args.out / f"sim-{name}-{label}.png", PICTURES[name](head, args.seed), COLOURS.get(name, 64))


if __name__ == "__main__":
    main()
