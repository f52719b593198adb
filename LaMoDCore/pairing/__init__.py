"""Pair cine and DENSE scans of the same person and plane, as cases of a dataset."""
