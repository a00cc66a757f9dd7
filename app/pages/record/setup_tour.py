"""The stops of the tour on the Record page: the cards of the panel before the session, then what follows it. Text only."""

from app.i18n import tr
from app.window.tour import TourStep


def setup_steps() -> tuple[TourStep, ...]:
    """The stops, in the order in which the work is done."""
    return (
        TourStep(
            "setup.dataset",
            tr("Where the takes go"),
            tr("A data set is a folder. A new one is either for people or for simulated takes; the two never mix."),
        ),
        TourStep(
            "setup.subject",
            tr("Who is recorded"),
            tr("A subject is a number, never a name. Nobody is recorded without consent. Who comes back gets a new number."),
        ),
        TourStep(
            "setup.session",
            tr("What is recorded"),
            tr("The script says what is asked for, and how often. A session that was interrupted is gone on with here."),
        ),
        TourStep(
            "setup.cameras",
            tr("With which cameras"),
            tr("What is plugged in is found. With no camera the simulated rig lets you try everything."),
        ),
        TourStep("setup.continue", tr("Go on"), tr("Enter goes on from anywhere. What is missing is said beside its field.")),
        TourStep(
            "",
            tr("Then: the rig check"),
            tr("Distance, focus, light, background and disk, live. Green is fine, amber is a hint, red asks you to confirm."),
        ),
        TourStep(
            "",
            tr("Then: take after take"),
            tr("Space starts a take. Hold the paper before both cameras, take it away, raise your hand as the cue. "
               "Esc aborts and keeps what was recorded."),
        ),
        TourStep(
            "",
            tr("After each take: the verdict"),
            tr("Good, check or redo, with the reasons. Enter keeps, N keeps as noise, R records again, P plays back."),
        ),
    )  # fmt: skip
