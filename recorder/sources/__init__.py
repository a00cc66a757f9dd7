"""Cameras, found by name in `registry`."""
