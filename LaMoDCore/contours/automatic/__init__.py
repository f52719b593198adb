"""Automatic contours: from a cine study to left-ventricular contours on every frame, with a confidence for each."""
