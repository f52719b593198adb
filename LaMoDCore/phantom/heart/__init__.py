"""Synthetic hearts: anatomy, disease and closed-form motion with exact strain."""
