"""Cohorts of synthetic hearts: recipes, paired scans, cases, statistics and dataset folders."""
