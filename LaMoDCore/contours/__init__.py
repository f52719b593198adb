"""Contours: checked, mended, carried between frames, and what they do to strain."""
