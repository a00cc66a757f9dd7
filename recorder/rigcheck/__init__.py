"""The rig before a session, live: what the cameras show now, judged, each finding with its number and what to do about it."""
