"""The one kind of error whose text is shown to a user."""


class GlimpseError(Exception):
    """A problem told in one sentence that names the thing, what is wrong with it and the way out.

    Whatever reaches a person is one of these; every other exception is a defect of Glimpse.
    """
