"""Data that ships with Glimpse: scripts, later icons, theme and checkpoint."""
