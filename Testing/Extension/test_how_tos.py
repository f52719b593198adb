"""The code in the how-to pages for developers works with the current library."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from LaMoDCore.runtime.errors import LaMoDInputError

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"


@pytest.fixture
def run_listing() -> Iterator[Callable[[str], ModuleType]]:
    """Execute the Python listing of a how-to page as a module."""
    modules = []

    def run(page: str) -> ModuleType:
        text = (HOW_TO / page).read_text(encoding="utf-8")
        (listing,) = re.findall(r"^ *```python\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
        module = ModuleType(f"how_to_{Path(page).stem.replace('-', '_')}")
        sys.modules[module.__name__] = module  # dataclasses look up their annotations there
        modules.append(module)
        exec(compile(textwrap.dedent(listing), page, "exec"), vars(module))
        return module

    yield run
    for module in modules:
        del sys.modules[module.__name__]


def test_strain_index(run_listing):
    post_systolic_index = run_listing("add-a-strain-index.md").post_systolic_index
    assert post_systolic_index(-0.20, -0.15) == pytest.approx(0.25)
    assert np.isnan(post_systolic_index(0.02, 0.05))


def test_contour_reader(run_listing, tmp_path):
    read, file = run_listing("add-a-contour-reader.md").read_numpy_archive, tmp_path / "heart.npz"
    masks = np.zeros((10, 8, 9), dtype=np.uint8)
    np.savez(file, masks=masks, ijk_to_lps=np.diag([1.5, 1.5, 8, 1]), frame_times_ms=np.arange(10.0), rr_ms=800)
    stack = read(file)
    assert stack.frames.shape == (10, 1, 8, 9) and stack.rr_ms == 800 and stack.has_orientation
    for invalid in ({"masks": masks[0]}, {"masks": masks, "frame_times_ms": np.arange(3.0)}):
        np.savez(file, **invalid)
        with pytest.raises(LaMoDInputError, match="heart"):
            read(file)
    file.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(LaMoDInputError, match="not a NumPy archive"):
        read(file)


def test_network(run_listing, monkeypatch):
    torch = pytest.importorskip("torch")
    from LaMoDCore.baselines import ARCHITECTURES, BaselineConfig, BaselineModel
    from LaMoDCore.baselines.registry import Architecture

    page = run_listing("add-a-network.md")
    size = page.DilatedConfig
    monkeypatch.setitem(ARCHITECTURES, "dilated", Architecture(size, page.Dilated, size(), size(width=8)))
    model = BaselineModel(BaselineConfig.from_dict(BaselineConfig("dilated", size(2, 2), 2).to_dict()))
    with torch.inference_mode():
        displacement = model.displacement(torch.rand(1, 1, 40, 128, 128))
    assert displacement.shape == (1, 2, 40, 128, 128) and not displacement[:, :, 0].any()
