"""The networks as Xing et al. 2024 describe them, for the architecture "paper" of `ModelConfig`."""
