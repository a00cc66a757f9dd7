"""The command line and the windows: the only composition root, the only floor that may know Qt."""
