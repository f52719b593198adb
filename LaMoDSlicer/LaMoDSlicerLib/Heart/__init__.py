"""The heart that is being examined: its series, its slices in a table, and the files and contours that are added."""
