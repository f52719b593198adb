"""Benchmarks of `lamod benchmark`: fast implementations compared with slow reference ones and with exact solutions."""
