"""The code of docs/how-tos.md works with the library as it is."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from LaMoDCore.runtime.errors import LaMoDInputError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-tos.md"


@pytest.fixture
def written() -> Iterator[list[ModuleType]]:
    """Every Python listing of the page, run, in order."""
    modules = []
    for number, listing in enumerate(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)):
        module = ModuleType(f"how_to_{number}")
        sys.modules[module.__name__] = module  # where dataclasses look up their annotations
        exec(compile(listing, f"{PAGE.name}, listing {number}", "exec"), vars(module))
        modules.append(module)
    yield modules
    for module in modules:
        del sys.modules[module.__name__]


def test_the_index(written):
    assert written[0].post_systolic_index(-0.20, -0.15) == pytest.approx(0.25)
    assert np.isnan(written[0].post_systolic_index(0.02, 0.05))


def test_the_reader(written, tmp_path):
    read, file = written[1].read_numpy_archive, tmp_path / "heart.npz"
    masks = np.zeros((10, 8, 9), dtype=np.uint8)
    np.savez(file, masks=masks, ijk_to_lps=np.diag([1.5, 1.5, 8, 1]), frame_times_ms=np.arange(10.0), rr_ms=800)
    stack = read(file)
    assert stack.frames.shape == (10, 1, 8, 9) and stack.rr_ms == 800 and stack.has_orientation
    for spoilt in ({"masks": masks[0]}, {"masks": masks, "frame_times_ms": np.arange(3.0)}):
        np.savez(file, **spoilt)
        with pytest.raises(LaMoDInputError, match="heart"):
            read(file)
    file.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(LaMoDInputError, match="no NumPy archive"):
        read(file)


def test_the_network(written, monkeypatch):
    torch = pytest.importorskip("torch")
    from LaMoDCore.baselines import ARCHITECTURES, BaselineConfig, BaselineModel
    from LaMoDCore.baselines.registry import Architecture

    kind, network = written[2].DilatedConfig, written[2].Dilated
    monkeypatch.setitem(ARCHITECTURES, "dilated", Architecture(kind, network, kind(), kind(width=8)))
    model = BaselineModel(BaselineConfig.from_dict(BaselineConfig("dilated", kind(2, 2), 2).to_dict()))
    with torch.inference_mode():
        moved = model.displacement(torch.rand(1, 1, 40, 128, 128))
    assert moved.shape == (1, 2, 40, 128, 128) and not moved[:, :, 0].any()
