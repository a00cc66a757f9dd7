"""Cameras to a capture process to files, and files back to arrays. Knows neither Qt nor torch."""
