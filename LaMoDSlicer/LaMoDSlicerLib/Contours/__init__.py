"""Contours: check, repair, carry, save."""
