"""Errors, progress, devices, worker processes, atomic writes and bounded reads: what every other package uses."""
