"""Puts this folder on the path, so that tests of several folders share the helpers beside this file."""
