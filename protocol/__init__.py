"""What a movement, a script, a take and a label *are*: pure data and pure functions, no input or output."""
