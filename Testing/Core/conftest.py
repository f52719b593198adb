"""Adds this folder to the path: tests of several folders share the helpers in it."""
