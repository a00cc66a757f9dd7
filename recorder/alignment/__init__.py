"""Clocks of frame cameras against the event clock: by the sheet of paper, other movement, the host, the session."""
