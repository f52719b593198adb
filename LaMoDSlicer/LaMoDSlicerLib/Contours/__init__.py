"""Contours: check, review, carry, save."""
