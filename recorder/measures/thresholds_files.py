"""The limits of frame cameras and files: the last rows of the table in thresholds_table.py. Data only."""

from recorder.measures.thresholds import Threshold, Worse


def _camera(name: str, camera: str, gap: tuple[float, float], reason: str) -> tuple[Threshold, ...]:
    return (
        Threshold(
            name=f"{name}_lost",
            unit="%",
            check=10.0,
            redo=40.0,
            reason="Single lost pictures do no harm: synchronisation is tested with 5 %. From a tenth on the connection is at "
            "fault, and at 40 % half of the movements shorter than 1/5 s have fewer than three pictures left of six.",
            good=f"The {camera} camera lost {{value:.1f}} % of its pictures.",
            bad=f"The {camera} camera lost {{value:.0f}} % of its pictures; use another USB port or close other programs.",
            ruined=f"The {camera} camera lost {{value:.0f}} % of its pictures; use another USB port, then record again.",
        ),
        Threshold(
            name=f"{name}_gap",
            unit="ms",
            check=gap[0],
            redo=gap[1],
            reason=reason,
            good=f"The {camera} pictures have no holes.",
            bad=f"The {camera} pictures have a hole of {{value:.0f}} ms; see that the movement does not lie in it.",
            ruined=f"The {camera} pictures have a hole of {{value:.0f}} ms; check the cable, then record again.",
        ),
    )


FILES = (
    *_camera("rgb", "colour", (200.0, 1_000.0), "200 ms hide a whole micro-expression (1/25 to 1/5 s)."),
    *_camera(
        "thermal",
        "thermal",
        (500.0, 3_000.0),
        "Below 9 pictures a second there are 115 ms between two anyway; four lost in a row are a hole. Warmth changes slowly, "
        "so only seconds spoil a take.",
    ),
    Threshold(
        name="thermal_frozen",
        unit="ms",
        worse=Worse.NEVER,
        reason="A FLIR Lepton closes its shutter every three minutes for some tenths of a second and repeats its last picture "
        "(Lepton Engineering Datasheet 500-0659-00-09, p. 20). That is its calibration and no fault; who uses the pictures "
        "must know.",
        good="{sentence}",
    ),
    Threshold(
        name="files",
        unit="problems",
        check=1,
        reason="Each is a file that is missing, cut off or contradicts the manifest.",
        good="All files are there and agree.",
        bad="The files have a problem: {first} ({value:.0f} in all; see `glimpse inspect`).",
    ),
    Threshold(
        name="time_backwards",
        unit="events",
        check=1,
        reason="A camera's clock does not run backwards. Events are sorted before they are judged, so a few do no harm.",
        good="Event times only rise.",
        bad="{value:.0f} events are earlier than the one before them; look at the take before using it.",
    ),
    Threshold(
        name="events_outside",
        unit="events",
        check=1,
        reason="An event outside the sensor is a fault of the transfer or of a conversion; no measure counts it.",
        good="All events lie on the sensor.",
        bad="{value:.0f} events lie outside the sensor; check the cable, or how the file was converted.",
    ),
)
