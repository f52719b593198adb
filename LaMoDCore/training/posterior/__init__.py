"""Training of the posterior: contour motion, motion latent, calibration of the intervals."""
