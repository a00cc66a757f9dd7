"""What the subject is to do, in type that is read from two metres. Knows no script and no clock: it is told what to show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.i18n import tr
from app.widgets.countdown import paint_ring
from app.widgets.light import mean_light, mixed
from app.widgets.looks import fitted
from app.window.theme import current_theme, theme_bus

# Shares of the widget's height. On a 24-inch screen (299 mm high) 64 of 720 pixels are 27 mm of type, its capitals 19 mm:
# 32 minutes of arc at two metres, where ISO 9241-303 recommends 20 to 22.
MAIN, SECOND, SMALL = 0.2, 0.06, 0.05  # MAIN: at the most, of the height there is for it
MAIN_LOW = 0.5  # of a low and wide prompter's height, which must be read from two metres too
LOW_PX = 264  # as high as that, its words are as large as the theme's prompt; a higher one has larger words
LEAST_MAIN_PX = 18  # in a small preview, or of a text that is far too long
LIGHT_PX = 320  # wide enough that the light of the words is right to a hundredth
LEAST_SHARE = 0.2  # white words on the dark ground have a contrast of more than 4.5 to 1 then (WCAG 2, 1.4.3)
MARGIN, PICTURE, FOOT = 0.05, 0.31, 0.2  # PICTURE: of the width


_WORDS = int(Qt.TextFlag.TextWordWrap) | int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.AlignmentFlag.AlignLeft)


@dataclass(frozen=True)
class Prompt:
    """What to show now.

    text: what to do; movement: token of the picture, None for none; name: of the movement; left_s, total_s: of the step's
    time, None where it has none; steps: length of each step in seconds; step: which runs; next_text: what comes then;
    action: of the script's step, "move" is the cue; texts: of all steps, so that all are shown in one size of type.
    """

    text: str
    movement: str | None = None
    name: str = ""
    left_s: float | None = None
    total_s: float | None = None
    steps: Sequence[float] = ()
    step: int = 0
    next_text: str = ""
    action: str = ""
    texts: Sequence[str] = ()


def _at_step(prompt: Prompt, number: int) -> Prompt:
    """The prompt as it begins that step."""
    texts, seconds = prompt.texts, prompt.steps[number] if number < len(prompt.steps) else None
    following = texts[number + 1] if number + 1 < len(texts) else ""
    return replace(prompt, text=texts[number], step=number, next_text=following, left_s=seconds, total_s=seconds)


def _share(least: float, without: float, full: float) -> float:
    """Of the words' light, so that the whole gives `least`; without, full: the whole without them and with all of it."""
    return 1.0 if full <= without else min(1.0, max(LEAST_SHARE, (least - without) / (full - without)))


@lru_cache(maxsize=16)
def movement_image(token: str) -> QImage:
    """The picture of a movement; a null image where there is none."""
    path = files("assets").joinpath("movements", f"{token}.png")
    return QImage.fromData(path.read_bytes()) if path.is_file() else QImage()


class Prompter(QWidget):
    """Shows one `Prompt`. constant_brightness: nothing large changes its light between the steps, for a screen that faces
    the subject: the background stays, the cue is not coloured, the picture is there from the first step to the last,
    and many words are dimmer than few.
    """

    def __init__(self, constant_brightness: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._steady = constant_brightness
        self._prompt: Prompt | None = None
        self._idle = ""
        self.words_px = 0  # size of the type that the words were painted in last
        self._sized: tuple[object, int] = (None, 0)  # what the size was found for, and the size
        self._dimmed: tuple[object, Sequence[float]] = (None, ())  # what the words' light was found for, and it for each step
        self._words_share = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 120)
        self.setAccessibleName(tr("Prompter"))
        theme_bus().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """Wide, as a screen."""
        return QSize(640, 300)

    def show_prompt(self, prompt: Prompt | None) -> None:
        """Show a prompt; None: nothing is asked for."""
        if prompt != self._prompt:
            self._prompt = prompt
            self.setAccessibleDescription(prompt.text if prompt else self._idle)
            self.update()

    def set_idle_text(self, text: str) -> None:
        """What stands there while nothing is asked for."""
        self._idle = text
        self.update()

    @property
    def prompt(self) -> Prompt | None:
        """What is shown."""
        return self._prompt

    def set_constant_brightness(self, steady: bool) -> None:
        """See the class."""
        self._steady = steady
        self.update()

    def _background(self) -> str:
        cue = self._prompt is not None and self._prompt.action == "move" and not self._steady
        return "accent" if cue else "surface_sunken"

    def _ink(self) -> str:
        return "on_accent" if self._background() == "accent" else "text"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture on the left, words in the middle, ring on the right, the way through the script below."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.qcolor(self._background()))
        if self.isWindow():
            painter.drawRect(self.rect())
        else:
            painter.drawRoundedRect(QRectF(self.rect()), theme.radius, theme.radius)
        self._words_share = self._share_of_light(self._prompt) if self._steady and self._prompt is not None else 1.0
        if self._prompt is None:
            self._paint_idle(painter)
        else:
            self._paint_prompt(painter, self._prompt)
        painter.end()

    def _unit(self) -> float:
        """The height that sizes are shares of: a wide and low widget is not filled by its ring alone."""
        return min(float(self.height()), self.width() * 0.6)

    def _inner(self) -> QRectF:
        pad = MARGIN * self._unit()
        return QRectF(self.rect()).adjusted(pad, pad, -pad, -pad)

    def _paint_idle(self, painter: QPainter) -> None:
        box = self._inner()
        unit = self._unit()
        painter.setPen(current_theme().qcolor("text_muted"))
        painter.setFont(fitted(current_theme().font("prompt"), self._idle, box, SECOND * unit * 1.4, LEAST_MAIN_PX))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._idle)

    def _paint_prompt(self, painter: QPainter, prompt: Prompt) -> None:
        box, unit = self._inner(), self._unit()
        foot = QRectF(box.left(), box.bottom() - FOOT * unit, box.width(), FOOT * unit)
        body = QRectF(box.left(), box.top(), box.width(), box.height() - foot.height() - MARGIN / 2 * unit)
        left = self._paint_picture(painter, prompt, body)
        self._paint_words(painter, prompt, QRectF(left, body.top(), body.right() - left, body.height()))
        foot.setRight(self._paint_time(painter, prompt, foot))
        self._paint_way(painter, prompt, foot)

    def _paint_picture(self, painter: QPainter, prompt: Prompt, body: QRectF) -> float:
        """Returns where the words may begin."""
        image = movement_image(prompt.movement) if prompt.movement else QImage()
        if image.isNull():
            return body.left()
        below = SECOND * self._unit() * 1.5 if prompt.name else 0.0
        side = min(PICTURE * self.width(), body.height() - below)
        frame = QRectF(body.left(), body.center().y() - (side + below) / 2, side, side)
        rounded = QPainterPath()
        rounded.addRoundedRect(frame, current_theme().radius * 2, current_theme().radius * 2)
        painter.save()
        painter.setClipPath(rounded)
        painter.drawImage(frame, image, QRectF(image.rect()))
        painter.restore()
        if prompt.name:
            name = QRectF(frame.left(), frame.bottom(), side, below)
            painter.setPen(current_theme().qcolor(self._ink()))
            painter.setFont(
                fitted(current_theme().font("headline"), prompt.name, name, SECOND * self._unit(), LEAST_MAIN_PX / 2)
            )
            painter.drawText(name, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), prompt.name)
        return frame.right() + MARGIN * self._unit()

    def _paint_time(self, painter: QPainter, prompt: Prompt, foot: QRectF) -> float:
        """Returns where the way through the script must end."""
        if prompt.left_s is None:
            return foot.right()
        ring = QRectF(foot.right() - foot.height(), foot.top(), foot.height(), foot.height())
        paint_ring(painter, ring, prompt.left_s, prompt.total_s, ink=self._ink(), steady=self._steady)
        return ring.left() - MARGIN * self._unit()

    def _paint_words(self, painter: QPainter, prompt: Prompt, box: QRectF) -> None:
        font = current_theme().font("prompt")
        self.words_px = self._size_of_words(prompt, box, font.pixelSize())
        font.setPixelSize(self.words_px)
        painter.setFont(font)
        painter.setPen(self._words_ink())
        painter.drawText(box, _WORDS, prompt.text)

    def _words_ink(self) -> QColor:
        theme = current_theme()
        return mixed(theme.qcolor(self._background()), theme.qcolor(self._ink()), self._words_share)

    def _share_of_light(self, prompt: Prompt) -> float:
        """How much of their light the words of this step keep, so that every step gives as much of it as the darkest one."""
        texts = tuple(prompt.texts)
        key = (texts, prompt.movement, self.width(), self.height(), current_theme().name)
        if key != self._dimmed[0]:
            steps = [_at_step(prompt, number) for number in range(len(texts))]
            lights = [(self._light(step, 0.0), self._light(step, 1.0)) for step in steps]
            least = min((full for _, full in lights), default=0.0)
            self._dimmed = (key, [_share(least, without, full) for without, full in lights])
        shares = self._dimmed[1]
        return shares[prompt.step] if prompt.step < len(shares) else 1.0

    def _light(self, prompt: Prompt, share: float) -> float:
        """Mean light of the picture with this share of the words' light, of a white one's; seen from afar, which is quick."""
        image = QImage(LIGHT_PX, max(1, round(LIGHT_PX * self.height() / max(1, self.width()))), QImage.Format.Format_RGB32)
        image.fill(current_theme().qcolor(self._background()))
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.scale(image.width() / max(1, self.width()), image.height() / max(1, self.height()))
        self._words_share = share
        self._paint_prompt(painter, prompt)
        painter.end()
        return mean_light(image)

    def _size_of_words(self, prompt: Prompt, box: QRectF, usual_px: int) -> int:
        """One size for all steps of a take: type that jumps, and changes the light, draws the eyes."""
        texts = tuple(prompt.texts) or (prompt.text,)
        key = (texts, box.width(), box.height(), usual_px)
        if key != self._sized[0]:
            low_px = usual_px * max(1.0, self.height() / LOW_PX)
            most_px = max(MAIN * box.height(), min(low_px, MAIN_LOW * box.height()))
            sizes = [fitted(current_theme().font("prompt"), text, box, most_px, LEAST_MAIN_PX).pixelSize() for text in texts]
            self._sized = (key, min(sizes))
        return self._sized[1]

    def _paint_way(self, painter: QPainter, prompt: Prompt, foot: QRectF) -> None:
        theme = current_theme()
        line = QRectF(foot.left(), foot.bottom() - foot.height() * 0.24, foot.width(), foot.height() * 0.12)
        if prompt.steps:
            self._paint_steps(painter, prompt, line)
        if prompt.next_text:
            font = theme.font("body")
            font.setPixelSize(max(11, round(SMALL * self._unit())))
            painter.setFont(font)
            painter.setPen(theme.qcolor("text_muted" if self._ink() == "text" else "on_accent"))
            text = tr("Next: {text}").format(text=prompt.next_text)
            shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, foot.width())
            above = QRectF(foot.left(), foot.top() + foot.height() * 0.16, foot.width(), foot.height() * 0.5)
            painter.drawText(above, int(Qt.AlignmentFlag.AlignVCenter) | int(Qt.AlignmentFlag.AlignLeft), shown)

    def _paint_steps(self, painter: QPainter, prompt: Prompt, line: QRectF) -> None:
        theme = current_theme()
        total, gap = sum(prompt.steps), theme.space(1)
        room = line.width() - gap * (len(prompt.steps) - 1)
        left = line.left()
        painter.setPen(Qt.PenStyle.NoPen)
        for number, seconds in enumerate(prompt.steps):
            width = room * seconds / total if total else 0.0
            part = QRectF(left, line.top(), width, line.height())
            self._paint_step(painter, part, self._done(prompt, number))
            left += width + gap

    def _done(self, prompt: Prompt, number: int) -> float:
        """How much of a step is over. In constant brightness a step is lit as a whole or not, so that nothing creeps."""
        if number != prompt.step:
            return 1.0 if number < prompt.step else 0.0
        if self._steady or not prompt.total_s or prompt.left_s is None:
            return 1.0
        return min(1.0, max(0.0, 1 - prompt.left_s / prompt.total_s))

    def _paint_step(self, painter: QPainter, part: QRectF, done: float) -> None:
        theme = current_theme()
        cue = self._ink() == "on_accent"
        painter.setBrush(theme.qcolor("on_accent" if cue else "outline", 0.35 if cue else 1.0))
        painter.drawRoundedRect(part, part.height() / 2, part.height() / 2)
        if done > 0:
            lit = QRectF(part.left(), part.top(), max(part.height(), part.width() * done), part.height())
            painter.setBrush(theme.qcolor("on_accent" if cue else "accent"))
            painter.drawRoundedRect(lit, part.height() / 2, part.height() / 2)
