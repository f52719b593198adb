"""Used by every other package: errors, progress, devices, worker processes, atomic writes, bounded reads, JSON."""
