"""The limits of every measure, with the reason for each number and what the operator reads.

Data only. The order is that of importance: what stands first is said first. The last rows are in thresholds_files.py.
"""

from collections.abc import Mapping

from recorder.measures.thresholds import Threshold, Worse
from recorder.measures.thresholds_files import FILES

ABOVE, BELOW, NEVER = Worse.ABOVE, Worse.BELOW, Worse.NEVER

WHOLE = (
    Threshold(
        name="event_count",
        unit="events",
        worse=BELOW,
        redo=1_000,
        reason="A still face gives as many in a tenth of a second, so fewer are no take.",
        good="The take has {value:,.0f} events.",
        ruined="The take has hardly any events ({value:,.0f}); check lens cap, cable and light, then record again.",
    ),
    Threshold(
        name="ended_early",
        redo=1,
        reason="A take that ended before its script, or lost data on the way to disk, is left out of training by default.",
        good="The take ran to its end.",
        ruined="The take is {status}. {reason} Saved: {saved}. Record it again.",
    ),
    Threshold(
        name="records_lost",
        unit="records",
        redo=1,
        reason="Received and written records must agree; the recorder itself calls a take failed where they do not.",
        good="All that was received was written.",
        ruined="{value:.0f} records were received and not written ({streams}); {remedy}, then record again.",
    ),
    Threshold(
        name="event_gap",
        unit="ms",
        check=100,
        redo=500,
        reason="A face in view gives thousands of events a second, so 100 ms without one is a hole (as in `glimpse inspect`), "
        "and it would swallow half of a micro-expression (1/25 to 1/5 s). From 500 ms on the recorder calls a stream stalled.",
        good="The events have no holes.",
        bad="The events have a hole of {value:.0f} ms; see that the movement does not lie in it.",
        ruined="The events have a hole of {value:.0f} ms; check the cable, then record again.",
    ),
    Threshold(
        name="event_end",
        unit="ms",
        check=100,
        redo=500,
        reason="As `event_gap`. A take goes on for 200 ms after its script, so events that end before it were cut off.",
        good="The events go on to the end of the script.",
        bad="The events end {value:.0f} ms before the script does; see that the movement was over.",
        ruined="The events end {value:.0f} ms before the script does, so a part of them is missing; record again.",
    ),
    Threshold(
        name="script_times",
        unit="times",
        check=1,
        reason="The recorder writes down when each step of its script began. Where these times are missing, or are none of "
        "the recording's, nobody can tell which movement answers the cue.",
        good="The script's times lie within the recording.",
        bad="The script's times {how}; mark cue and movement by hand before the take is used.",
    ),
)

PAPER = (
    Threshold(
        name="paper",
        check=1,
        redo=2,
        reason="0: the sheet came and went; 1: none came, so the clocks rest on other movement, which is less exact; 2: it "
        "stayed, so there is no face.",
        good="The paper came and went.",
        bad="No sheet of paper was seen; hold it before both cameras, and look at the synchronisation of this take.",
        ruined="The paper stayed before the camera; take it away when told to, and record again.",
    ),
)

MOTION = (
    Threshold(
        name="movement",
        worse=BELOW,
        check=0.5,
        redo=0.0,
        reason="Confidence of the movement that was found after the cue, as the onset search gives it; 0 where none was "
        "found, but for raised lids, of which the search misses half. Below one half it is as likely none.",
        good="The movement was made.",
        bad="A movement can hardly be made out; look at the take, or have it made stronger.",
        ruined="No movement was made after the cue; record again.",
    ),
    Threshold(
        name="reaction",
        unit="ms",
        check=900,
        reason="People answer a cue that they see within 200 to 600 ms; who takes half as long again was thinking of something "
        "else, or what was found is no answer to the cue. A late movement is a movement, so this alone spoils no take.",
        good="The movement began {value:.0f} ms after the cue.",
        bad="The movement began late, {value:.0f} ms after the cue; look at the take, or record again.",
    ),
    Threshold(
        name="head_turn",
        unit="ms",
        check=150,
        redo=300,
        reason="The longest time for which 15 % of the picture was stirred at once. Simulated movements of the face stir at "
        "most 13 % and that for 50 ms, turned heads 25 % and more for 600 ms.",
        good="The head was held still.",
        bad="The whole picture moved for {value:.0f} ms; see that the movement does not lie there.",
        ruined="The head, a hand or the camera moved for {value:.0f} ms; hold still, and record again.",
    ),
    Threshold(
        name="talking",
        unit="times/s",
        check=5,
        redo=7,
        reason="How often the mouth moves within one second. People speak 3 to 6 syllables a second (Pellegrino et al. 2011), "
        "each of which opens and closes it. Simulated takes without talking gave 4 at the most, with it 8 to 13.",
        good="The subject did not talk.",
        bad="The mouth moved {value:.0f} times within a second; look whether the subject talked.",
        ruined="The subject talked (the mouth moved {value:.0f} times within a second); ask for silence, and record again.",
    ),
    Threshold(
        name="resemblance",
        worse=BELOW,
        check=0.2,
        reason="Probability that the movement asked for was the one made, by a classifier that sees where in the face light "
        "changed. It confuses similar movements, so a small probability asks for a look and spoils nothing by itself.",
        good="The movement looks as asked for.",
        bad="What was made looks like '{likeliest_words}', not '{asked_words}'; look at the take, or record again.",
    ),
    Threshold(
        name="wrong_time",
        check=0.9,
        reason="Confidence of another movement of the face than the one asked for. Talking, and starting before the cue, show "
        "here; so does swallowing, which does no harm: hence a look, not another take.",
        good="Nothing else moved in the face.",
        bad="Something else moved in the face {when}; look whether the subject talked or began before the cue.",
    ),
    Threshold(
        name="blinks",
        unit="blinks",
        check=1,
        reason="A blink within the movement covers the eyes, and an annotator cannot tell the two apart.",
        good="No blink lies in the movement ({all} in the take).",
        bad="A blink lies in the movement; look at the take.",
    ),
    Threshold(
        name="left_over",
        unit="ms",
        worse=BELOW,
        check=100,
        reason="A movement that ends with the take has no offset; 100 ms of rest after it are needed to see that it is over.",
        good="The movement was over {value:.0f} ms before the end.",
        bad="The movement was hardly over at the end of the take; look at its offset.",
    ),
    Threshold(
        name="duration",
        unit="ms",
        worse=NEVER,
        reason="Micro-expressions last 1/25 to 1/5 s. Movements on command are mostly longer, and that is no fault.",
        good="The movement lasted {value:.0f} ms: {kind}.",
    ),
    Threshold(
        name="strength",
        unit="events",
        worse=NEVER,
        reason="Events of the movement above what there is at rest; it depends on movement, contrast and light, so it is only "
        "told.",
        good="The movement gave {value:,.0f} events.",
    ),
)


def _clock(name: str, camera: str, limit_ms: float, reason: str) -> Threshold:
    return Threshold(
        name=f"sync_{name}",
        unit="ms",
        check=limit_ms,
        reason=f"Half width of the 95 % interval of the offset. {reason} Events are not touched by it, so it alone spoils no "
        f"take.",
        good=f"The {camera} camera is aligned to {{value:.1f}} ms.",
        bad=f"The {camera} camera is aligned {{how}}; use its pictures with care.",
    )


CLOCKS = (
    _clock("rgb", "colour", 10.0, "A quarter of the shortest micro-expression (1/25 s); a hand alignment has 33 ms."),
    _clock("thermal", "thermal", 60.0, "Half the time between two pictures at 8.7 Hz."),
)

FACE = (
    Threshold(
        name="no_face",
        check=1,
        reason="1: no picture shows a face. The finder misses some that are there (turned, bearded, dark), so a person looks.",
        good="A face is in the picture.",
        bad="No face was found in the picture; look whether the subject sits before the event camera.",
    ),
    Threshold(
        name="more_faces",
        unit="faces",
        check=1,
        reason="Somebody behind the subject moves, too, and what moves there is taken for the subject's face.",
        good="Nobody else is in the picture.",
        bad="{value:.0f} more faces are in the picture; see that nobody stands or moves behind the subject.",
    ),
    Threshold(
        name="face_inside",
        unit="%",
        worse=BELOW,
        check=90.0,
        redo=60.0,
        reason="Share of the face on the sensor. A tenth is brow or chin, which some of the movements need; with less than 60 "
        "% the mouth or the eyes are missing.",
        good="The whole face is in the picture.",
        bad="Only {value:.0f} % of the face is in the picture ({side}); move the chair or the camera.",
        ruined="Only {value:.0f} % of the face is in the picture ({side}); move the chair or the camera, then record again.",
    ),
    Threshold(
        name="distance_off",
        unit="mm",
        check=60.0,
        redo=250.0,
        reason="Beyond the distances that the script asks for. People's eyes are 63 +- 4 mm apart, so the distance is "
        "uncertain by some 45 mm, and less is no finding; at 250 mm too far a face has a third of its pixels.",
        good="The distance is as asked for.",
        bad="The face is {distance_mm:.0f} mm away; sit {way} ({nearest_mm:.0f} to {farthest_mm:.0f} mm).",
        ruined="The face is {distance_mm:.0f} mm away; sit {way} ({nearest_mm:.0f} to {farthest_mm:.0f} mm), then record "
        "again.",
    ),
    Threshold(
        name="distance",
        unit="mm",
        worse=NEVER,
        reason="From the distance of the eyes in the picture; judged as `distance_off`.",
        good="The face is {value:.0f} mm away (+- {uncertainty_mm:.0f} mm).",
    ),
)

SIGNAL = (
    Threshold(
        name="event_rate",
        unit="events/s",
        worse=BELOW,
        check=2_000,
        redo=200,
        reason="The stillest simulated face at 35 cm gave 15,000 events a second, of which its noise alone was 13,000; a "
        "DAVIS346 whose noise filter is on may give a tenth of that. 200 a second over 90,000 pixels is a lens cap or a dark "
        "room.",
        good="The face gives {value:,.0f} events a second.",
        bad="The face gives only {value:,.0f} events a second; check light, focus and biases.",
        ruined="The face gives only {value:,.0f} events a second; check lens cap, light and biases, then record again.",
    ),
    Threshold(
        name="event_peak",
        unit="events/s",
        check=10e6,
        reason="A DAVIS346 delivers 12 million events a second at most (iniVation, DAVIS346 specifications); near that they "
        "queue up and are stamped late or lost. The paper's own way is left out: its edge may do that.",
        good="The busiest moment has {value:,.0f} events a second.",
        bad="The busiest moment has {value:,.0f} events a second, all that the camera can give; raise the thresholds or hold "
        "still.",
    ),
    Threshold(
        name="noise",
        unit="events/s/pixel",
        check=2.0,
        redo=10.0,
        reason="Pixels at rest give about 0.1 events a second in good light and a few in dim light (Gallego et al., "
        "Event-based vision: a survey, 2020; Hu et al., v2e, 2021). A small movement gives some ten for a moment, so it "
        "drowns from there on.",
        good="Background noise is low ({value:.2f} events a second and pixel).",
        bad="Background noise is high ({value:.1f} events a second and pixel); give more light or choose less sensitive "
        "biases.",
        ruined="Background noise drowns the face ({value:.1f} events a second and pixel); give more light, then record again.",
    ),
    Threshold(
        name="hot_pixels",
        unit="per mille",
        check=5.0,
        redo=50.0,
        reason="Some in ten thousand are usual, and are left out of every measure. Where many are, part of the face is blind: "
        "50 per mille of a DAVIS346 is the area of an eye.",
        good="{count} pixels fire by themselves.",
        bad="{count} pixels fire by themselves; let the camera warm up, and check the biases.",
        ruined="{count} pixels fire by themselves; check the biases, then record again.",
    ),
    Threshold(
        name="flicker",
        unit="%",
        check=20.0,
        reason="Share of the event rate that beats at 100 or 120 Hz, twice the frequency of the mains. Steady light was "
        "measured at a few per cent; from a fifth on the events of the lamp rival those of a slow movement. Filters can take "
        "them out, so this alone spoils no take.",
        good="The light does not flicker.",
        bad="The lamps flicker at {hz:.0f} Hz ({value:.0f} % of the event rate beats with them); use daylight or flicker-free "
        "lamps.",
    ),
    Threshold(
        name="light_uneven",
        unit="%",
        check=25.0,
        redo=60.0,
        reason="Difference of the halves of the face over their sum: 25 % is 5 to 3, 60 % is 4 to 1. Portrait photographers "
        "call 2 to 1 (33 %) the beginning of side light; the darker half gives fewer and later events.",
        good="The light is even.",
        bad="The {darker} half of the face is darker ({value:.0f} %); move the lamp, or add one on that side.",
        ruined="The {darker} half of the face is nearly dark ({value:.0f} %); move the lamp, then record again.",
    ),
    Threshold(
        name="brightness",
        unit="grey levels",
        worse=BELOW,
        check=25.0,
        redo=8.0,
        reason="Mean of the face in an 8-bit picture: 25 is a tenth of the range, 8 is what read noise and black level give "
        "alone.",
        good="The face is bright enough.",
        bad="The face is dark (mean {value:.0f} of 255); give more light.",
        ruined="The picture is black (mean {value:.0f} of 255); check lens cap and light, then record again.",
    ),
    Threshold(
        name="overexposed",
        unit="%",
        check=40.0,
        reason="Share of white pixels (250 of 255 and above) in the face. A white wall beside it and a shiny forehead may be "
        "white; half of the face must not, since no pixel of it can show a change.",
        good="The face is not overexposed.",
        bad="{value:.0f} % of the face is white in the picture; shorten the exposure or dim the light.",
    ),
)


THRESHOLDS: tuple[Threshold, ...] = (*WHOLE, *PAPER, *MOTION, *FACE, *SIGNAL, *CLOCKS, *FILES)
BY_NAME: Mapping[str, Threshold] = {row.name: row for row in THRESHOLDS}
