"""Contours drawn in other programs."""
