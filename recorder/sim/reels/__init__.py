"""Reels: simulated stretches of many movements, for training. Rendered without script, paper protocol or files."""
