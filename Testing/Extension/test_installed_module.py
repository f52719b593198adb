"""The installed module opens and predicts in the host with the repository hidden."""

from __future__ import annotations

import json
import shutil
import sysconfig
from pathlib import Path

import pytest

from Testing.SlicerHost import display

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.slicer
@pytest.mark.skipif(bool(display.missing()), reason=f"the module in its host: {display.missing()}")
def test_installed_module_predicts_the_sample_heart(modules: Path, tmp_path: Path, run_hidden):
    """Fails if a script, picture or weight is missing from the lists of files."""
    away = tmp_path / "away"
    shutil.copytree(ROOT / "Testing" / "SlicerHost", away / "Testing" / "SlicerHost")
    shutil.copy(Path(__file__).with_name("installed_module.py"), away)
    packages = sysconfig.get_paths()["purelib"]
    program = (
        f"from pathlib import Path; import installed_module;installed_module.main(Path({str(modules)!r}), {packages!r})"
    )
    seen = json.loads(run_hidden(away, program, tmp_path).splitlines()[-1])
    for name in ("LaMoDSlicer", "LaMoDSlicerLib", "LaMoDCore"):
        assert Path(seen["files"][name]).is_relative_to(modules), seen["files"]
    assert Path(seen["files"]["Testing.SlicerHost"]).is_relative_to(away)
    assert seen["enabled after"] and not seen["enabled before"]
    assert seen["started"] and seen["ended"] and seen["message"] == ""
    assert seen["pixels changed"] > 5000
