"""What the tour shows of the Label page: a stop a part, with the keys that matter most. Knows no widget but by its name."""

from app.i18n import tr
from app.window.shortcuts import table
from app.window.tour import TourStep


def label_steps() -> tuple[TourStep, ...]:
    """The stops, in the order in which a take is labelled."""
    return (
        TourStep(
            "label.list",
            tr("The takes to label"),
            tr("The arrow keys choose one, Enter opens it; {queue} comes back here. Up from the first take leads to the "
               "filters.").format(queue=_key("queue")),
        ),
        TourStep(
            "label.views",
            tr("What the cameras saw"),
            tr("All at one instant, the cursor: the events of the time before it, and the pictures nearest to it, with how far "
               "they are off. {wider} takes events of a longer time, {crop} shows the face alone.").format(
                wider=_key("wider"), crop=_key("crop")
            ),
        ),
        TourStep(
            "label.timeline",
            tr("When it moved"),
            tr("The rates of events of the face and of its parts, what was suggested, your labels. {play} plays, {back} and "
               "{on} step, {mark_back} and {mark_on} go from mark to mark, {zoom_in} zooms in.").format(
                **{name: _key(name) for name in ("play", "back", "on", "mark_back", "mark_on", "zoom_in")}
            ),
        ),
        TourStep(
            "label.side",
            tr("What you say about it"),
            tr("{onset}, {apex} and {offset} put onset, apex and offset at the cursor, also while it plays. {noise} says that "
               "the take cannot be used. Every change is on the disk at once; {undo} takes it back.").format(
                **{name: _key(name) for name in ("onset", "apex", "offset", "noise", "undo")}
            ),
        ),
        TourStep(
            "",
            tr("One key where the suggestions are right"),
            tr("{finish} takes them over and opens the next take. Press ? for all keys.").format(finish=_key("finish")),
        ),
    )  # fmt: skip


def _key(name: str) -> str:
    key = table.first(f"label.{name}")
    return key if key[-1:].isalnum() else f'"{key}"'
