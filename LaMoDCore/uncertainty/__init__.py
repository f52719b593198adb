"""What is not known: intervals that hold their truth, and slices that are unlike the training data."""
