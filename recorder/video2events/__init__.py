"""Face video to events: read, find the face, standardise it as the field does, let the event pixel see it, write a take."""
