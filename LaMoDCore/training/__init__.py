"""Training: dataset folder -> cache of canonical arrays -> stages -> model folder."""
