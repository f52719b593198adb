"""The module's CMake file lists every file that must be installed with it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "LaMoDSlicer"


def test_every_file_of_the_module_is_installed():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", "LaMoDSlicer")
    listed = set(re.findall(r"^  ([\w/]+\.(?:py|ui|png))$", text, re.MULTILINE))
    there = {str(p.relative_to(ROOT)) for pattern in ("*.py", "LaMoDSlicerLib/**/*.py") for p in ROOT.glob(pattern)}
    there |= {str(p.relative_to(ROOT)) for p in (ROOT / "Resources").rglob("*") if p.is_file()}
    assert listed == there
