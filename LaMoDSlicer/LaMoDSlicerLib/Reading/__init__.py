"""The reading room: curves, bullseye, tables, comparison."""
