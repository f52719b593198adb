"""Training data: cache of canonical arrays, augmentation, loading."""
