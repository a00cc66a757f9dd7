"""Labels in the formats of other programs, and back: one module a format, each with `write` and `read`."""
