"""Overlays of a result in the slice views."""
