"""Repair contours: suggested repairs and missing frames, each in a job of its own."""
