"""Uncertainty: calibrated intervals, and detection of slices that are unlike the training data."""
