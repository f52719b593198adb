"""Studies on one heart: strain change per pixel of contour shift, and the agreement of two readers."""
