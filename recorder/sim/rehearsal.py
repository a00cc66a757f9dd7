"""Runs the inner loops of a rig once before its clock runs: in a fresh installation each is compiled when it is first used.

What the first picture of each camera goes through is compiled by that picture; this does the rest, in a miniature that costs
milliseconds once the code is on disk. Knows no camera's clock and draws from no camera's random numbers.
"""

import numpy as np

from recorder.sim.body import Body
from recorder.sim.casting import Cast
from recorder.sim.colour_camera import Sensor, develop, sharpen
from recorder.sim.paper import Sheet, SheetView
from recorder.sim.pixel import EventPixels, PixelParams
from recorder.sim.state import FaceState
from recorder.sim.view import EVENT_VIEW, View

SENSOR = (16, 16)  # (width, height), enough for every loop
DARK, BRIGHT, STEP_US = 20.0, 200.0, 8_000


def rehearse(play: Cast, params: PixelParams) -> None:
    """A face that moves, a sheet before a camera, light that changes before event pixels and before a colour sensor.

    params: the rig's own, as flicker takes other loops than steady light.
    """
    body = Body(play.mesh, play.look.offsets, play.look.pieces)
    body.points(FaceState(swallow=1.0), play.traits.place, play.traits.distance_mm)
    _rehearse_sheet(play.sheet)
    _rehearse_pixels(params)
    _rehearse_colours()


def _rehearse_pixels(params: PixelParams) -> None:
    """A step from dark to bright, which every pixel answers with events."""
    pixels = EventPixels(SENSOR, params, seed=0)
    pixels.start(np.full(SENSOR[::-1], DARK, np.float32), 0)
    pixels.step(np.full(SENSOR[::-1], BRIGHT, np.float32), STEP_US)


def _rehearse_colours() -> None:
    rows = SENSOR[1]
    sensor = Sensor(np.random.default_rng(0), SENSOR)
    mosaic = sensor.expose(np.ones((rows, SENSOR[0], 3), np.float32), np.full(rows, 1000, np.float32), 1.0)
    sharpen(develop(mosaic, np.ones(3)))


def _rehearse_sheet(sheet: Sheet) -> None:
    """Half-way out of a small picture."""
    view = View(SENSOR, EVENT_VIEW.focal_px * SENSOR[0] / EVENT_VIEW.size[0], EVENT_VIEW.place_mm)
    small = SheetView(sheet, view)
    picture, light = np.zeros((*SENSOR[::-1], 1), np.float32), np.ones(1, np.float32)
    shifts_mm = np.full((1, SENSOR[1]), (small.enters_at_mm() + small.leaves_at_mm()) / 2, np.float32)
    small.cover(picture, shifts_mm, light, light)
