"""Contour checks, one file per fault. Each check returns findings from the shapes of one slice or of all slices."""
