"""Frames to masks, by whatever makes them, and masks to numbers: score, compare, look inside."""
