"""Longitudinal strain by the length of drawn contours: GLS, segments, MAPSE, what long axis gives to short axis."""
