"""The limits of the rig check, with the reason for each number and what the operator reads. Data only.

Where the verdict on a take judges the same thing, the limits are its own: what is green before a take must not spoil it.
"""

from collections.abc import Mapping
from dataclasses import replace

from recorder.measures.thresholds import Threshold, Worse
from recorder.measures.thresholds_table import SIGNAL

ABOVE, BELOW = Worse.ABOVE, Worse.BELOW
_OF_TAKES = {row.name: row for row in SIGNAL}

TITLES: Mapping[str, str] = {
    "cameras_alive": "Cameras",
    "losses": "Lost data",
    "usb_speed": "USB",
    "disk": "Disk",
    "distance": "Distance",
    "face_centred": "Face in the picture",
    "focus": "Focus",
    "background": "Background",
    "light_even": "Even light",
    "exposure": "Brightness",
    "flicker": "Flicker",
    "background_rate": "Noise",
    "hot_pixels": "Hot pixels",
    "profile": "Rig profile",
}

RATE = Threshold(
    name="cameras_alive",
    unit="%",
    worse=BELOW,
    check=80.0,
    redo=60.0,
    reason="Pictures a second in per cent of what the camera was set to, over the last second. Counting whole pictures of a "
    "thermal camera of 8.7 a second gives 92 % at times. With 40 % lost, half of the movements shorter than 1/5 s have fewer "
    "than three pictures left of six (limit of the verdict on a take).",
    good="All cameras give data ({rates}).",
    bad="The {slowest} gives {value:.0f} % of its pictures ({rates}); {advice}.",
)

LOST = Threshold(
    name="losses",
    unit="gaps and packets",
    check=1,
    reason="Since some 30 s, so that an old mishap does not stay amber for ever. A gap of half a second may swallow a "
    "micro-expression whole (1/25 to 1/5 s); one that is over does no harm to the next take.",
    good="Nothing was lost in the last {seconds:.0f} s.",
    bad="{value:.0f} gaps or packets were lost in the last {seconds:.0f} s ({where}); use another USB port or close other "
    "programs.",
)

DROPPED = Threshold(
    name="losses",
    unit="packets",
    redo=1,
    reason="A take during which a camera's own queue drops anything is called failed by the recorder.",
    good="Nothing was lost.",
    ruined="The queue of a camera dropped {value:.0f} packets in the last {seconds:.0f} s ({where}); close other programs, or "
    "choose smaller pictures.",
)

DISK = Threshold(
    name="disk",
    unit="takes",
    worse=BELOW,
    check=40,
    reason="A session is 7 movements five times, 35 takes, and some are made again. Below the recorder's own limit (settings, "
    "takes_free) no take is started: red.",
    good="The disk has room for {value:,.0f} takes.",
    bad="The disk has room for {value:.0f} takes, less than a session; free some space or choose another folder.",
    ruined="The disk has room for {value:.0f} takes only; free some space or choose another folder.",
)

DISTANCE = Threshold(
    name="distance",
    unit="mm",
    check=10.0,
    redo=100.0,
    reason="How far the face is outside the distances of the script. To move a chair costs nothing, so this is stricter than "
    "the verdict on a take, which grants what people's eyes differ in; 1 cm is what they sway by. 10 cm too far, a face has "
    "two thirds of its pixels left.",
    good="The face is {distance_cm:.0f} cm away{lens}.",
    bad="The face is {distance_cm:.0f} cm away{lens}: sit {move_cm:.0f} cm {way} ({nearest_cm:.0f} to {farthest_cm:.0f} cm).",
)

INSIDE = Threshold(
    name="face_centred",
    unit="%",
    worse=BELOW,
    check=90.0,
    redo=60.0,
    reason="Share of the face on the sensor, as in the verdict on a take: a tenth is brow or chin; with less than 60 % mouth "
    "or eyes are missing.",
    good="The face is whole and centred ({cameras}).",
    bad="Only {value:.0f} % of the face is in the picture of {camera}: {move}.",
)

CENTRED = Threshold(
    name="face_centred",
    unit="mm",
    check=40.0,
    reason="At 35 cm a DAVIS346 with a 7 mm lens sees 320 mm x 240 mm, and a face is 137 mm x 180 mm (Farkas 1994): 40 mm "
    "aside leaves 5 cm for a sway of the head on the nearer side. Above and below, the share that is inside says more.",
    good="The face is whole and centred ({cameras}).",
    bad="The face is {value:.0f} mm beside the middle of the picture of {camera}: {move}.",
)

FOCUS = Threshold(
    name="focus",
    unit="px",
    check=1.5,
    redo=3.0,
    reason="Width of an edge (standard deviation of the blur). Simulated cameras in focus gave 0.3 to 0.7 px in the face; some "
    "webcams soften what they send. A pixel of a DAVIS346 is 0.9 mm at 35 cm, about as far as skin moves in a small movement: "
    "from 1.5 px on its contrast is halved, at 3 px the iris (12 px) has no rim left.",
    good="The picture is sharp ({cameras}).",
    bad="The picture of {camera} is blurred ({value:.1f} px, the best so far {best:.1f}): turn the focus ring until the number "
    "is smallest.",
)

FOCUS_WORSE = Threshold(
    name="focus",
    unit="px",
    check=0.9,
    reason="Blur added to the sharpest picture since the program began (blurs add in squares), whatever that camera can do. "
    "Faces differ by up to 0.6 px, as hair has finer lines than skin; more means that somebody touched the lens, or sits "
    "where it is not focused.",
    good="The picture is sharp.",
    bad="The picture of {camera} is less sharp than it was ({blur:.1f} px, best {best:.1f}): turn the focus ring, or sit where "
    "it is sharp.",
)

BACKGROUND = Threshold(
    name="background",
    unit="%",
    check=15.0,
    redo=50.0,
    reason="Share of the picture beside the head that is not plain. Loose hair and a collar reach into a tenth of it; a "
    "poster, a shelf or a door frame fills a fifth and gives events whenever the camera is touched.",
    good="The background is plain ({camera}).",
    bad="{value:.0f} % of the background is not plain ({camera}); hang up a sheet, or move what stands there.",
    ruined="The background is not plain ({value:.0f} %, {camera}); sit before a wall or hang up a sheet.",
)

LIGHT = replace(
    _OF_TAKES["light_uneven"],
    name="light_even",
    good="The light on the face is even ({value:.0f} % difference).",
    bad="The half of the face on the {darker} of the picture is darker ({value:.0f} %); move the lamp, or add one there.",
    ruined="The half of the face on the {darker} of the picture is nearly dark ({value:.0f} %); move the lamp.",
)

DARK = replace(
    _OF_TAKES["brightness"],
    name="exposure",
    good="The face is bright enough ({value:.0f} of 255, {camera}).",
    bad="The face is dark ({value:.0f} of 255, {camera}); give more light, or expose longer.",
    ruined="The picture is black ({value:.0f} of 255, {camera}); check lens cap and light.",
)

WHITE = replace(
    _OF_TAKES["overexposed"],
    name="exposure",
    good="The face is not overexposed.",
    bad="{value:.0f} % of the face is white ({camera}); shorten the exposure, or dim the light.",
)

FLICKER = replace(
    _OF_TAKES["flicker"],
    good="The light does not flicker ({value:.0f} % of the events at 100 and 120 Hz).",
    bad="The lamps flicker at {hz:.0f} Hz ({value:.0f} % of the event rate); use daylight or flicker-free lamps.",
)

NOISE = replace(
    _OF_TAKES["noise"],
    name="background_rate",
    good="The background gives {value:.2f} events a second and pixel.",
    bad="The background gives {value:.1f} events a second and pixel; give more light, or choose less sensitive biases.",
    ruined="The background gives {value:.0f} events a second and pixel, which drowns the face; give more light, or choose less "
    "sensitive biases.",
)

HOT = replace(
    _OF_TAKES["hot_pixels"],
    good="{count} pixels fire by themselves{known}.",
    bad="{count} pixels fire by themselves{known}; put the lens cap on and make the mask anew, or let the camera warm up.",
    ruined="{count} pixels fire by themselves{known}; check the biases, then put the lens cap on and make the mask anew.",
)

PROFILE = Threshold(
    name="profile",
    unit="deviations",
    check=1,
    reason="All sessions of a data set are to be recorded alike; whoever deviates on purpose may, and the manifest says so.",
    good="The rig is as in its profile.",
    bad="{value:.0f} settings differ from the rig's profile: {named}",
)
