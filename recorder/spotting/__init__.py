"""Finding what moves in a face, from events alone: head motion apart, local changes, their landmarks, what they are."""
