"""The pictures that the prompter shows: a face at rest and in each movement, with arrows for what moves.

    python docs/pictures/make_movement_pictures.py [--out assets/movements] [--seed 5]

A simulated subject with the built-in head, by the simulated colour camera; the same seed gives the same pictures.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from make_sim_pictures import Sitter
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from protocol.movement import MOVEMENTS, NEUTRAL
from recorder.sim.heads import BUILTIN

SIDE = 320
CROP = (237, 95, 290)  # left, top, side of the face in the camera's picture of subject 5
GAIN = 1.3  # the camera exposes for the wall
PICTURES = 12  # until the exposure has settled
COLOURS = 96
FINER = 4  # drawn so much larger, for smooth arrows
BLUE, WHITE = (11, 98, 196), (255, 255, 255)
WIDTH, EDGE, HEAD = 7.0, 3.0, 15.0

Arrow = tuple[float, float, float, float]  # from x, y to x, y
# Left half; the right one is its mirror image about the face's middle line.
MIDDLE = 160.0
ARROWS: Mapping[str, Sequence[Arrow]] = {
    "smile": ((112, 222, 84, 196),),
    "blink": ((107, 58, 107, 92),),
    "frown": ((102, 46, 134, 62),),
    "contractJaw": ((62, 214, 92, 214),),
    "noseWrinkle": ((128, 176, 136, 138),),
    "openMouth": ((92, 236, 92, 280),),
    "upperLidRaiser": ((107, 82, 107, 48),),
}


def portrait(sitter: Sitter) -> NDArray[np.uint8]:
    """The face alone: [SIDE, SIDE, 3] RGB."""
    left, top, side = CROP
    face = sitter.photograph(PICTURES)[top : top + side, left : left + side]
    large = cv2.resize(cv2.convertScaleAbs(face, alpha=GAIN), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(large, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


def with_arrows(face: NDArray[np.uint8], arrows: Sequence[Arrow]) -> Image.Image:
    """The face with arrows and their mirror images."""
    large = Image.fromarray(face).resize((SIDE * FINER, SIDE * FINER), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(large)
    for arrow in arrows:
        mirrored = (2 * MIDDLE - arrow[0], arrow[1], 2 * MIDDLE - arrow[2], arrow[3])
        for one in (arrow, mirrored):
            _arrow(draw, one, EDGE, WHITE)
            _arrow(draw, one, 0.0, BLUE)
    return large.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _arrow(draw: ImageDraw.ImageDraw, arrow: Arrow, edge: float, colour: tuple[int, int, int]) -> None:
    """Its shape, `edge` larger on all sides."""
    start, tip = np.array(arrow[:2]), np.array(arrow[2:])
    along = (tip - start) / np.linalg.norm(tip - start)
    across = np.array([-along[1], along[0]])
    neck = tip - HEAD * along
    body, wing = WIDTH / 2 + edge, HEAD * 0.75 + 1.6 * edge
    points = [start - edge * along + body * across, neck + body * across, neck - edge * along + wing * across]
    points += [tip + 1.8 * edge * along, neck - edge * along - wing * across, neck - body * across]
    points += [start - edge * along - body * across]
    draw.polygon([(float(x) * FINER, float(y) * FINER) for x, y in points], fill=colour)


def save(path: Path, picture: Image.Image) -> None:
    """As a PNG with a palette."""
    picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, 2, None, Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of the movements for the prompter.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "assets" / "movements", help="folder")
    parser.add_argument("--seed", type=int, default=5, help="of the simulated subject; the crop fits subject 5")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    sitter = Sitter(args.seed, BUILTIN)
    save(args.out / f"{NEUTRAL}.png", with_arrows(portrait(sitter), ()))
    for movement in MOVEMENTS:
        sitter.make(sitter.at_apex(movement.token))
        save(args.out / f"{movement.token}.png", with_arrows(portrait(sitter), ARROWS[movement.token]))


if __name__ == "__main__":
    main()
