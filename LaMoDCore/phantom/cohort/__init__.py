"""Cohorts of synthetic hearts."""
