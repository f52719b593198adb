"""The lists of files are complete, and the installed extension works with the repository hidden."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from Testing.SlicerBuild.file_lists import ROOT, expected


@pytest.mark.parametrize("package", ["LaMoDCore", "LaMoDSlicer"])
def test_every_file_is_listed(package: str):
    path = ROOT / package / "files.cmake"
    assert path.read_text(encoding="utf-8") == expected()[path], "run `make file-lists`"


def test_the_extension_configures(build: Path):
    recorded = (build / "recorded.txt").read_text()
    assert "project LaMoD\n" in recorded
    assert "install LaMoDSlicer LaMoDSlicer.py\n" in recorded
    assert "install LaMoDCore prediction/predict.py\n" in recorded
    assert "generic tests LaMoDSlicer\n" in recorded
    assert "unittest LaMoDSlicer.py\n" in recorded


def test_tests_are_registered_with_ctest(cmake: Path, build: Path):
    listed = subprocess.run(
        [cmake.with_name("ctest"), "-N"], cwd=build, capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert "py_LaMoDSlicer" in listed


def test_the_installed_tree_holds_the_extension_only(modules: Path):
    assert {p.name for p in modules.iterdir()} == {"LaMoDCore", "LaMoDSlicer.py", "LaMoDSlicerLib", "Resources"}
    for name in ("lamod-phantom-v1", "lamod-phantom-v2"):
        assert (modules / "LaMoDCore" / "shipped_models" / name / "weights.safetensors").is_file()
    size = sum(p.stat().st_size for p in modules.rglob("*") if p.is_file())
    assert size < 100e6


def test_installed_library_runs_with_the_repository_hidden(modules: Path, tmp_path: Path, run_hidden):
    program = (
        "import LaMoDCore; print(LaMoDCore.__file__);from LaMoDCore.cli import main; sys.exit(main(['models', 'list']))"
    )
    printed = run_hidden(modules, program, tmp_path)
    assert printed.startswith(str(modules))
    assert "lamod-phantom-v1" in printed and "lamod-phantom-v2" in printed


def test_every_module_of_the_installed_library_can_be_imported(modules: Path, tmp_path: Path, run_hidden):
    """A file missing from the list is not installed, and importing it fails."""
    program = (
        "import pkgutil, importlib, LaMoDCore;"
        "names = [m.name for m in pkgutil.walk_packages(LaMoDCore.__path__, 'LaMoDCore.')];"
        "[importlib.import_module(n) for n in names if not n.endswith('__main__')]; print(len(names))"
    )
    assert int(run_hidden(modules, program, tmp_path).split()[-1]) > 150


def test_index_entry_fits_the_catalog(tmp_path: Path):
    """The rules of the Extensions Index for the entry and for the extension's CMake file."""
    entry = json.loads((ROOT / "LaMoD.json").read_text(encoding="utf-8"))
    assert set(entry) <= {
        "$schema",
        "build_dependencies",
        "build_subdirectory",
        "category",
        "dicom_support_rule",
        "enabled",
        "scm_revision",
        "scm_type",
        "scm_url",
        "tier",
    }
    assert {"$schema", "category", "scm_url"} <= set(entry)
    assert entry["$schema"].endswith("/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert 1 <= entry["tier"] <= 5
    assert Path(entry["scm_url"]).stem == "SlicerLaMoD", "the Index asks for repositories called Slicer<extension>"
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert text.startswith("cmake_minimum_required(VERSION 3.28.0...3.28.0 FATAL_ERROR)"), "as in Slicer's template"
    assert "project(LaMoD)" in text
    meta = dict(re.findall(r'^set\(EXTENSION_(\w+) "([^"$]+)"\)$', text, re.MULTILINE))
    assert set(meta) == {"HOMEPAGE", "CATEGORY", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"}
    assert meta["CATEGORY"] == entry["category"] == "Cardiac"
    assert meta["DEPENDS"].split() == entry["build_dependencies"] == ["PyTorch"]
    assert meta["HOMEPAGE"] == entry["scm_url"].removesuffix(".git")
    assert "WO2022/177741" in meta["DESCRIPTION"] and "not a medical device" in meta["DESCRIPTION"]
    assert not re.search(r"project\((Slicer|.*[^A-Za-z0-9])\)", text)
    for url in [meta["ICONURL"], *meta["SCREENSHOTURLS"].split()]:
        assert url.startswith("https://raw.githubusercontent.com/lamod-project/SlicerLaMoD/main/")
        assert (ROOT / url.split("/main/")[1]).is_file(), url


def test_the_packages_for_slicer_are_those_of_the_library_that_slicer_lacks():
    listed = (ROOT / "LaMoDSlicer" / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (dependencies,) = re.findall(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    in_slicer = ("numpy", "scipy", "SimpleITK", "pydicom")
    needed = [r for r in re.findall(r'"([^"]+)"', dependencies) if not r.startswith((*in_slicer, "torch"))]
    assert [line for line in listed if not line.startswith("#")] == needed


def test_the_repository_meets_the_rules_of_the_index():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").lstrip().startswith("Apache License")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for needed in ("Apache-2.0", "WO2022/177741", "arXiv", "nothing leaves", "not yet in a Slicer binary"):
        assert needed in " ".join(readme.split()), needed
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    ).stdout.split("\0")
    size = sum((ROOT / f).stat().st_size for f in tracked if f and (ROOT / f).is_file())
    assert size < 100e6
