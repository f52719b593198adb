"""Colours, lines and legends of a result in the views."""
