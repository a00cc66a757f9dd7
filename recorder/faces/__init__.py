"""Where faces are, from pictures and from events: pictures, the portrait that the paper takes, blinks, colour to events."""
