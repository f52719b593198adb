"""Contours of other programs in, contours out."""
