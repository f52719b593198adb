"""Tests of the Slicer module in the stand-in application."""
