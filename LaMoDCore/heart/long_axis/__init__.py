"""Long-axis slices: the open wall as lines from annulus to apex and back, their views, carrying to other frames."""
