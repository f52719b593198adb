"""The myocardium of a short-axis slice as a ring: masks, polar coordinates, closed curves, shape and faults."""
