"""What the live views show, as plain arrays: taps on the rings of the capture process, events and pictures as colours."""
