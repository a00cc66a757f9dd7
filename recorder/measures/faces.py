"""How many faces are in the picture. Judges nothing. Measures: `faces`."""

from recorder.facebox import FaceSearch
from recorder.measures.thresholds import Reading

UNKNOWN = "Whether there is one face is not known: no pictures, and the events show none."


def faces(search: FaceSearch) -> Reading:
    """Number of faces that several pictures agree on; pictures of the event camera, else portraits from its events.

    0 only where pictures were looked at. Details: `sources`, what was looked at; `confidence` of the largest, 0 without one.
    """
    details = {"sources": ", ".join(search.sources), "confidence": search.face.confidence if search.face else 0.0}
    if search.count is None:
        return Reading(details=details, unknown=UNKNOWN)
    return Reading(float(search.count), details)
