"""Training of the networks of LaMoD and of the baselines on a cache."""
