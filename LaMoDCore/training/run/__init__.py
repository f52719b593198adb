"""A training run: settings, folder, lock, resources, launch commands."""
