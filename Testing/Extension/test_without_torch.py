"""The library modules that the Slicer module imports in Slicer's process do not need PyTorch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Settings of training import those of the networks, which need torch.
OF_TRAINING = {"LaMoDCore.training.run.form", "LaMoDCore.training.run.settings"}
PROGRAM = """
import importlib, sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "safetensors", "lightning_fabric"):
            raise ModuleNotFoundError(f"{name} is not available")

sys.meta_path.insert(0, NoTorch())
for name in sys.argv[1:]:
    importlib.import_module(name)

import numpy as np
from LaMoDCore.strain import compute_strain

y, x = np.mgrid[:48, :48] - 24.0
ring = (np.hypot(x, y) > 8) & (np.hypot(x, y) < 18)
shrunk = compute_strain(np.stack([-0.1 * x, -0.1 * y])[None], ring)
assert np.allclose(shrunk.ecc[0][ring], (0.9**2 - 1) / 2, atol=1e-6)
"""


def used_by_the_module() -> set[str]:
    """Modules of the library that the Slicer module imports."""
    found = set()
    for file in (ROOT / "LaMoDSlicer").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("LaMoDCore"):
                found.add(str(node.module))
    return found


def test_the_modules_imports_do_not_need_torch():
    names = sorted(used_by_the_module() - OF_TRAINING)
    assert len(names) > 15
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
