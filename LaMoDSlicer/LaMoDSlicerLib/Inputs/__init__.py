"""Cine and masks of the scene as input of a prediction."""
