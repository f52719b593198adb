"""Read long-axis slices: masks of the open wall, guide points, curves."""
