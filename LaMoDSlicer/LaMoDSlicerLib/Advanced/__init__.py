"""The Advanced panel: datasets, training, evaluation, models."""
