"""Runs of commands that are interrupted by signals."""
