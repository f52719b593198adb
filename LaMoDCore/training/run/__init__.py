"""A training run: settings, folder, lock, state, launch commands."""
