"""Shared MRML helpers: nodes, sequences, browsers, views and layouts."""
