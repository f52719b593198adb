"""Paths that several experiments use."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Recipes of the frozen test cohorts.
RECIPES = ROOT / "experiments" / "data"
#: Real cines and DENSE scans, where they are available; not part of the repository.
REAL_DATA = ROOT / "../shared/data"
