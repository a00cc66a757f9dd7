"""The Label page: what an annotator sees of a take and says about it."""
