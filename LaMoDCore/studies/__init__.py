"""Studies on one heart: the cost of a one-pixel contour error, and the agreement of two readers."""
