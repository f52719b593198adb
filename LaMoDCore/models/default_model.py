"""Name of the model that is used where none is chosen; a module of its own so that commands start without numpy."""

from __future__ import annotations

DEFAULT_MODEL = "lamod-phantom-v2"
