"""What there is to see at any moment: the subject, the wall behind, the paper before, in the light of a room.

Renders for each camera what reaches its sensor: linear light or temperature. Knows no sensor, no clock and no script.
"""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from recorder.sim.appearance import Look
from recorder.sim.body import Body, turning
from recorder.sim.head import Eye, Floats, HeadMesh, Ints, Part
from recorder.sim.paper import HAND_C, PLANE_MM, REFLECTANCE, ROOM_C, Sheet, SheetView
from recorder.sim.raster import FAR, NOTHING, cleared, draw, project, vertex_normals
from recorder.sim.shading import LIT, Light, Moment, Samples, Surface, glint, illuminate, shade, warmth
from recorder.sim.state import SIDES, FaceState, PaperState, Pose
from recorder.sim.texture import texture_coordinates
from recorder.sim.traits import Light as LightTraits
from recorder.sim.traits import Traits
from recorder.sim.view import EVENT_VIEW, RGB_VIEW, THERMAL_VIEW, View

GREY = np.array([0.114, 0.587, 0.299], np.float32)  # luma of BGR (ITU-R BT.601)
WHITE = 210.0  # grey level of a white sheet in nominal light, on the 0 ... 255 scale of the pixel model
WALL_MM = 900.0  # from the camera; out of focus
FULL_LUX = 500.0  # a well-lit office (EN 12464-1), in which white paper is `WHITE`
LASH = 0.03
UPPER_UNITS = frozenset(f"AU{unit}_{side}" for unit in (1, 2, 4, 5, 7, 45) for side in SIDES)  # those that leave the lips alone
INNER_LIPS = slice(60, 68)  # landmarks
LIP_MIDDLES = (62, 66)
WIDE_MM, SLIT = 3.0, 0.08  # lips that far apart let all light in; shut ones that much, so that no tooth shines through a seam
LIT_TEETH_MM = 4.0  # the incisors stand that far behind the lips; light falls on them
CAVITY_MM = 11.0  # farther in, light falls to a third over this way, as by eye in photographs of open mouths
DARKEST = 0.06
EYE_MM = 12.0  # radius of the eyeball whose share an iris is
TEETH_C, MOUTH_C, EYE_C = 34.0, 36.3, 34.8
BREATH_C = 0.4  # the nostrils warm by some tenths of a degree at each breath out (Murthy & Pavlidis 2006)
STEP_PX = 2.0  # how far the edge of the paper may go between two pictures; it is blurred over more than twice that
MOST_STEPS = 12
MOST_INSTANTS = 64  # of an exposure in which the paper moves
GLINT = 12.0  # a lamp or window is that much brighter than a wall that it lights
LENS_PX = 0.5  # standard deviation of the event camera's blur: nose and ears are 6 um out of focus, pixels are 18.5 um wide
BLUR_PX = 0.8  # movement during an exposure from which it is blurred
AT_REST = tuple(FaceState(pose=Pose(yaw_deg=yaw)) for yaw in (-25.0, 0.0, 25.0))  # where lips that part at rest would show it


class Actor(Protocol):
    """Who is seen. Asked from several threads for times near now, in any order."""

    def face(self, t_us: int) -> FaceState:
        """The face at an instant."""

    def paper(self, t_us: int) -> PaperState:
        """The paper at an instant."""


class Camera:
    """One view of the world with its buffers."""

    def __init__(self, view: View, surface: Surface, body: Body, light: Light, wall: Floats, sheet: Sheet) -> None:
        """surface: its colours have as many channels as the light and the wall [H, W, C]."""
        self.view = view
        self.sheet = SheetView(sheet, view)
        self._surface, self._lenses, self._light, self._wall = surface, body.lenses, light, wall
        self._outer = len(surface.triangles) - len(body.triangles) + body.outer
        self._smooth = np.concatenate([body.triangles, body.lenses])  # lenses need normals too: they mirror
        self._inner = np.flatnonzero(np.isin(surface.parts, (Part.TEETH, Part.MOUTH)))
        self._lips = body.mesh.landmarks[list(LIP_MIDDLES)]
        self._ids, self._depth = cleared(*view.size, view.samples)
        self._lens_ids, _ = cleared(*view.size, view.samples)
        self._samples = Samples.room(*view.size)
        shape = (len(surface.parts), 3)
        self._screen, self._normals = np.empty(shape, np.float32), np.empty(shape, np.float32)
        self._vertices = np.empty((len(surface.parts), 4), np.float32)

    def light_picture(self, points: Floats, folds: Floats, gaze: Floats, glint_strength: float, *, mouth: bool) -> Floats:
        """[H, W, C] light of the subject before the wall. points: [V, 3] camera coordinates; mouth: whether it is open."""
        self._project(points)
        self._illuminate(points)
        self._resolve(mouth=mouth)
        picture, moment = np.empty_like(self._wall), Moment(self._vertices, folds, gaze)
        shade(self._surface, self._light, moment, self._ids, self._depth, self._wall, picture, self._samples)
        if len(self._lenses):
            self._lens_ids.fill(NOTHING)
            draw(self._screen, self._lenses, self._lens_ids, self._depth, self.view.samples)
            moment_of = self._light, points, self._normals, self._vertices
            glint(self._lenses, *moment_of, self._lens_ids, glint_strength, picture)
        return picture

    def _illuminate(self, points: Floats) -> None:
        vertex_normals(points, self._smooth, self._normals)
        illuminate(self._light, points, self._normals, self._screen, self._vertices)
        self._vertices[self._inner, LIT] *= _let_in(points, self._lips)

    def wall(self) -> Floats:
        """[H, W, C] light of the wall alone."""
        return self._wall.copy()

    def sees_mouth(self, points: Floats) -> bool:
        """Whether anything of the inside of the mouth can be seen."""
        self._project(points)
        self._resolve(mouth=True)
        return bool((self._ids >= self._outer).any())

    def warm_picture(self, points: Floats, breath: Floats, change: float, *, mouth: bool) -> Floats:
        """[H, W] degrees Celsius."""
        self._project(points)
        self._resolve(mouth=mouth)
        width, height = self.view.size
        picture = np.empty((height, width), np.float32)
        warmth(self._surface, self._screen, self._ids, self._wall[:, :, 0], breath, change, picture)
        return picture

    def _project(self, points: Floats) -> None:
        width, height = self.view.size
        project(points, self.view.focal_px, width / 2, height / 2, self._screen)

    def _resolve(self, *, mouth: bool) -> None:
        """Find what every sample shows."""
        self._ids.fill(NOTHING)
        self._depth.fill(FAR)
        triangles = self._surface.triangles
        draw(self._screen, triangles if mouth else triangles[: self._outer], self._ids, self._depth, self.view.samples)


class World:
    """One subject in one room. Each camera may be asked from a thread of its own."""

    def __init__(self, mesh: HeadMesh, look: Look, traits: Traits, sheet: Sheet, actor: Actor) -> None:
        self._actor, self._traits = actor, traits
        self._breath = np.ascontiguousarray(look.breath[:, :, None], np.float32)
        self._body = Body(mesh, look.offsets, look.pieces)
        self._eyes = mesh.eyes
        make = _Surfaces(mesh, look, self._body, traits)
        walls = {view: _wall(view, traits) for view in (EVENT_VIEW, RGB_VIEW)}
        body, light = self._body, traits.light
        grey_wall = _in_grey(walls[EVENT_VIEW])
        self._event = Camera(EVENT_VIEW, make.grey(), body, _light(EVENT_VIEW, light, grey=True), grey_wall, sheet)
        self._rgb = Camera(RGB_VIEW, make.colour(), body, _light(RGB_VIEW, light, grey=False), walls[RGB_VIEW], sheet)
        cold = np.full((*reversed(THERMAL_VIEW.size), 1), traits.background.temperature_c, np.float32)
        self._thermal = Camera(THERMAL_VIEW, make.warm(), body, _light(THERMAL_VIEW, light, grey=True), cold, sheet)
        self._paper_bgr = np.array(light.colour_bgr, np.float32) * (_strengths(light) @ np.array([0.6, 0.6, 1], np.float32))
        self._white = np.float32(WHITE * (traits.light.lux / FULL_LUX) ** 0.5)
        self._hand_bgr = np.array(sheet.hand, np.float32) * self._paper_bgr * np.float32(1.1)
        self._glint = traits.glasses.reflection if traits.glasses else 0.0
        self._last: tuple[int, Floats] | None = None
        self._parted = any(self._event.sees_mouth(self._points(self._event, face)) for face in AT_REST)

    @property
    def sheet_view(self) -> SheetView:
        """The paper as the event camera sees it."""
        return self._event.sheet

    def _points(self, camera: Camera, face: FaceState) -> Floats:
        world = self._body.points(face, self._traits.place, self._traits.distance_mm)
        return camera.view.to_camera(world)

    def _light_picture(self, camera: Camera, points: Floats, face: FaceState) -> Floats:
        gaze = gaze_vectors(face, self._traits, self._eyes)
        return camera.light_picture(points, folds(face), gaze, GLINT * self._glint, mouth=self._mouth(face))

    def _mouth(self, face: FaceState) -> bool:
        """Whether the inside of the mouth is to be drawn."""
        return self._parted or mouth_open(face)

    def seen_points(self, face: FaceState) -> Floats:
        """Where a face's vertices are before the event camera, float32 [V, 3] in mm: x right, y down, z forward."""
        return self._points(self._event, face)

    def face_grey(self, t_us: int) -> Floats:
        """What the event camera sees behind any paper: float32 [260, 346] linear light, `WHITE` for white paper."""
        face = self._actor.face(t_us)
        picture = self._light_picture(self._event, self._points(self._event, face), face)
        return np.asarray(cv2.GaussianBlur(picture[:, :, 0] * self._white, (3, 3), LENS_PX), np.float32)

    def event_pictures(self, begin_us: int, end_us: int) -> Floats:
        """What the event camera sees at the ends of M equal parts of a stretch, float32 [M, 260, 346]; M grows with the speed
        of the paper, so that its edge and the hand go `STEP_PX` from one to the next; more only where M is `MOST_STEPS`.
        """
        shifts = [self._actor.paper(t_us).shift_mm for t_us in (begin_us, end_us)]
        steps = self._steps(*shifts)
        if self._last is not None and all(self._event.sheet.covers(shift_mm) for shift_mm in shifts):
            before = after = self._last[1]  # of a face that nobody sees any picture will do
        else:
            before, after = self._face_at(begin_us), self._face_at(end_us)
            self._last = (end_us, after)
        shares = np.arange(1, steps + 1, dtype=np.float32) / steps
        pictures = np.empty((steps, *after.shape), np.float32)
        for n, share in enumerate(shares):
            pictures[n] = after if n == steps - 1 else before + share * (after - before)
            at_us = begin_us + round(float(share) * (end_us - begin_us))
            self._cover_grey(pictures[n], self._actor.paper(at_us).shift_mm)
        return pictures

    def _steps(self, before_mm: float, after_mm: float) -> int:
        if min(before_mm, after_mm) > self._event.sheet.leaves_at_mm():
            return 1
        moved_px = abs(after_mm - before_mm) * self._event.view.focal_px / PLANE_MM
        return int(np.clip(np.ceil(moved_px / STEP_PX), 1, MOST_STEPS))

    def _face_at(self, t_us: int) -> Floats:
        return self._last[1] if self._last is not None and self._last[0] == t_us else self.face_grey(t_us)

    def _cover_grey(self, picture: Floats, shift_mm: float) -> None:
        rows = np.full((1, picture.shape[0]), shift_mm, np.float32)
        white = np.array([self._paper_bgr @ GREY], np.float32) * np.float32(REFLECTANCE) * self._white
        skin = np.array([self._hand_bgr @ GREY], np.float32) * self._white
        self._event.sheet.cover(picture[:, :, None], rows, white, skin)

    def colour(self, size: tuple[int, int], t_top_us: int, t_bottom_us: int, exposure_us: int) -> Floats:
        """What the colour camera collects, float32 [H, W, 3] BGR: see recorder.sim.scenery.Scenery."""
        camera = self._rgb
        shifts = self._shifts_mm(camera.view, t_top_us, t_bottom_us, exposure_us)
        hidden = camera.sheet.covers(float(shifts.max()))
        picture = camera.wall() if hidden else self._exposed(camera, t_top_us, t_bottom_us, exposure_us)
        camera.sheet.cover(picture, shifts, self._paper_bgr * np.float32(REFLECTANCE), self._hand_bgr)
        return picture

    def _shifts_mm(self, view: View, t_top_us: int, t_bottom_us: int, exposure_us: int) -> Floats:
        """The paper's shift for every row at instants of its exposure, [N, H]: so many that its edge is a ramp, not a comb."""

        def at(rows_us: NDArray[np.float64], offset_us: float) -> list[float]:
            return [self._actor.paper(round(float(t_us) + offset_us)).shift_mm for t_us in rows_us]

        rows_us = np.linspace(t_top_us, t_bottom_us, 5)
        moved_mm = np.abs(np.subtract(at(rows_us, exposure_us / 2), at(rows_us, -exposure_us / 2))).max()
        count = int(np.clip(np.ceil(moved_mm / view.blur_mm(PLANE_MM)), 1, MOST_INSTANTS))
        offsets_us = (np.arange(count) - (count - 1) / 2) / count * exposure_us
        every_us = np.linspace(t_top_us, t_bottom_us, view.size[1])
        return np.array([np.interp(every_us, rows_us, at(rows_us, offset)) for offset in offsets_us], np.float32)

    def _exposed(self, camera: Camera, t_top_us: int, t_bottom_us: int, exposure_us: int) -> Floats:
        """The subject, each row at its own time, averaged over the exposure where it moves."""
        middle = (t_top_us + t_bottom_us) // 2
        face = self._actor.face(middle)
        top, bottom = (self._points(camera, self._actor.face(t)) for t in (t_top_us, t_bottom_us))
        speed = _fastest_px(camera.view, top, bottom) / max(t_bottom_us - t_top_us, 1)
        count = int(np.clip(np.ceil(speed * exposure_us / BLUR_PX), 1, 3))
        total: Floats | None = None
        for n in range(count):
            late = ((n + 0.5) / count - 0.5) * exposure_us / max(t_bottom_us - t_top_us, 1)
            points = _rolled(camera.view, top, bottom, late)
            picture = self._light_picture(camera, points, face)
            total = picture if total is None else total + picture
        assert total is not None
        return np.asarray(total / np.float32(count), np.float32)

    def temperature(self, size: tuple[int, int], t_us: int) -> Floats:
        """What the thermal camera sees, float32 [H, W] in degrees Celsius: see recorder.sim.scenery.Scenery."""
        camera = self._thermal
        face, shift_mm = self._actor.face(t_us), self._actor.paper(t_us).shift_mm
        points = self._points(camera, face)
        picture = camera.warm_picture(points, self._breath, BREATH_C * (1 - face.breath), mouth=self._mouth(face))
        rows = np.full((1, picture.shape[0]), shift_mm, np.float32)
        sheet, hand = np.array([ROOM_C], np.float32), np.array([HAND_C], np.float32)
        camera.sheet.cover(picture[:, :, None], rows, sheet, hand, lit=False)
        return picture


def _daylight(mesh: HeadMesh) -> Floats:
    """Share of the room's light that reaches each vertex [V, 1]: less and less the farther it lies behind the lips."""
    lips_mm = float(mesh.rest[mesh.landmarks[INNER_LIPS], 2].mean())
    share = np.exp(-np.maximum(lips_mm - LIT_TEETH_MM - mesh.rest[:, 2], 0) / CAVITY_MM)
    share[~np.isin(mesh.parts, (Part.TEETH, Part.MOUTH))] = 1
    return np.asarray(np.maximum(share, DARKEST)[:, None], np.float32)


def _let_in(points: Floats, lips: Ints) -> float:
    """Share of the light that comes through between the lips. lips: vertices of the middles of the upper and the lower one."""
    gap_mm = float(np.linalg.norm(points[lips[0]] - points[lips[1]]))
    return float(np.clip(gap_mm / WIDE_MM, SLIT, 1))


def folds(face: FaceState) -> Floats:
    """Strength of each channel of `Look.wrinkles` (between the brows, on the nose, cheeks and eyes, forehead) on the subject's
    right and left side, float32 [4, 2].
    """
    return np.array([_folds(face, side) for side in ("R", "L")], np.float32).T.copy()


def _folds(face: FaceState, side: str) -> tuple[float, float, float, float]:
    def at(unit: str) -> float:
        return face.units.get(f"{unit}_{side}", 0.0)

    cheeks = min(1.0, 0.8 * at("AU12") + 0.4 * at("AU6") + 0.3 * at("AU9"))
    return at("AU4"), at("AU9"), cheeks, min(1.0, max(at("AU1"), at("AU2")))


def mouth_open(face: FaceState) -> bool:
    """Whether teeth and the inside of the mouth can be seen."""
    return any(level > 0 and unit not in UPPER_UNITS for unit, level in face.units.items())


def gaze_vectors(face: FaceState, traits: Traits, eyes: tuple[Eye, Eye]) -> Floats:
    """Where the right and the left eye look, unit vectors [2, 3] in the head's frame: both at one point near the camera."""
    side, up = np.radians(face.gaze_deg)
    ahead = np.array([np.sin(side) * np.cos(up), np.sin(up), np.cos(side) * np.cos(up)], np.float32)
    target = turning(traits.place).T @ ahead * np.float32(traits.distance_mm)
    vectors = [target - eye.centre for eye in eyes]
    return np.stack([vector / np.linalg.norm(vector) for vector in vectors]).astype(np.float32)


def _fastest_px(view: View, one: Floats, other: Floats) -> float:
    # A sixteenth of the vertices tells how fast the fastest are.
    shown = [points[::16, :2] / np.maximum(points[::16, 2:], 1) * view.focal_px for points in (one, other)]
    return float(np.abs(shown[1] - shown[0]).max())


def _rolled(view: View, top: Floats, bottom: Floats, late: float) -> Floats:
    """Camera points where each vertex is at the time of the row in which it is seen, `late` read-outs later."""
    row = view.size[1] / 2 + view.focal_px * top[:, 1] / np.maximum(top[:, 2], 1)
    share = np.clip(row / view.size[1], 0, 1) + late
    return np.ascontiguousarray(top + (bottom - top) * share[:, None], np.float32)


def _strengths(light: LightTraits) -> Floats:
    """Of the main lamp, the second one and the ambient light; together about 1 on white paper that faces the camera."""
    lamps = (1 - light.ambient) / (1 + 0.5 * light.fill)
    return np.array([1.15 * lamps, 0.75 * lamps * light.fill, light.ambient], np.float32)


def _light(view: View, light: LightTraits, *, grey: bool) -> Light:
    turn = view.turn()
    x, y, z = light.direction
    towards, across, up = (turn @ np.array(way, np.float32) for way in ((x, y, z), (-x, 0.6 * y, z), (0, 1, 0)))
    colour = np.array(light.colour_bgr, np.float32)
    colour = np.array([colour @ GREY]) if grey else colour
    across /= np.linalg.norm(across)
    return Light(*(np.asarray(part, np.float32) for part in (towards, across, up, _strengths(light), colour)))


def _wall(view: View, traits: Traits) -> Floats:
    """The wall, a little uneven, [H, W, 3] BGR."""
    x, y = view.plane_mm(WALL_MM)
    wall = traits.background
    phases = np.random.default_rng(wall.texture_seed).uniform(0, 2 * np.pi, 4)
    blotches = np.sin(x / 61 + phases[0] + 1.3 * np.sin(y / 57 + phases[1])) + np.sin(
        y / 43 + phases[2] + np.sin(x / 71 + phases[3])
    )
    level = 1 + wall.gradient[0] * x / 1000 + wall.gradient[1] * y / 1000 + (0.004 + wall.unevenness / 2) * blotches
    shone = np.array(traits.light.colour_bgr, np.float32) * np.array(wall.colour_bgr, np.float32)
    return np.asarray(np.clip(level, 0.2, 1.3)[:, :, None] * shone, np.float32)


def _in_grey(picture: Floats) -> Floats:
    return np.ascontiguousarray((picture @ GREY)[:, :, None], np.float32)


class _Surfaces:
    """The subject's colours as each camera needs them."""

    def __init__(self, mesh: HeadMesh, look: Look, body: Body, traits: Traits) -> None:
        self._look, self._body = look, body
        eyes = traits.eyes
        self._eye_colours = np.array([eyes.sclera_bgr, eyes.rim_bgr, eyes.colour_bgr], np.float32)
        shares = EYE_MM * eyes.iris_share / np.mean([eye.radius for eye in mesh.eyes]) * np.array([1.0, eyes.pupil_share])
        self._eye_cosines = np.sqrt(1 - shares**2).astype(np.float32)
        self._uv = np.zeros((len(body.rest), 2), np.float32)
        self._uv[: len(mesh.rest)] = texture_coordinates(mesh.rest)
        self._eye = np.zeros_like(body.rest)
        for part, eye in ((Part.EYE_RIGHT, mesh.eyes[0]), (Part.EYE_LEFT, mesh.eyes[1])):
            of_eye = np.flatnonzero(mesh.parts == part)
            self._eye[of_eye] = mesh.rest[of_eye] - eye.centre
        self._colours = np.zeros((len(body.rest), 3), np.float32)
        self._colours[body.parts == Part.TEETH] = traits.mouth.teeth_bgr
        self._colours[body.parts == Part.MOUTH] = traits.mouth.inside_bgr
        self._colours[: len(mesh.rest)] *= _daylight(mesh)
        self._colours[body.parts == Part.LASH] = LASH
        self._celsius = np.full((len(body.rest), 1), ROOM_C, np.float32)
        for part, celsius in ((Part.TEETH, TEETH_C), (Part.MOUTH, MOUTH_C), (Part.EYE_RIGHT, EYE_C), (Part.EYE_LEFT, EYE_C)):
            self._celsius[body.parts == part] = celsius
        self._shine = np.zeros(len(body.rest), np.float32)
        self._shine[body.parts == Part.TEETH] = 0.2
        self._shine[body.parts == Part.MOUTH] = 0.05
        first = len(mesh.rest)
        for piece in body.pieces:
            part_of = slice(first, first + len(piece.points))
            self._colours[part_of], self._celsius[part_of, 0] = piece.albedo, piece.temperature
            self._shine[part_of] = piece.gloss
            first += len(piece.points)

    def _surface(self, texture: Floats, colours: Floats, eye_colours: Floats) -> Surface:
        return Surface(
            self._body.triangles,
            self._body.parts,
            self._uv,
            np.ascontiguousarray(colours, np.float32),
            np.concatenate([texture, self._look.gloss[:, :, None]], axis=2, dtype=np.float32),
            np.ascontiguousarray(self._look.wrinkles, np.float32),
            self._shine,
            self._eye,
            np.ascontiguousarray(eye_colours, np.float32),
            self._eye_cosines,
        )

    def colour(self) -> Surface:
        """BGR."""
        return self._surface(self._look.albedo, self._colours, self._eye_colours)

    def grey(self) -> Surface:
        """One channel of light."""
        grey, colours = (self._look.albedo @ GREY)[:, :, None], (self._colours @ GREY)[:, None]
        return self._surface(grey, colours, (self._eye_colours @ GREY)[:, None])

    def warm(self) -> Surface:
        """Degrees Celsius; lenses are opaque to thermal cameras."""
        surface = self._surface(self._look.temperature[:, :, None], self._celsius, np.zeros((3, 1), np.float32))
        return surface._replace(triangles=np.concatenate([self._body.lenses, self._body.triangles]).astype(np.int32))
