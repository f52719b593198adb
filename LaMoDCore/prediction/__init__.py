"""Predict motion and strain of a case, and write the result files."""
