"""The module's structure: small files with one purpose, cheap to import, using only names of the real widgets."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2] / "LaMoDSlicer"
LIBRARY = sorted((ROOT / "LaMoDSlicerLib").rglob("*.py"))
FILES = [ROOT / "LaMoDSlicer.py", *LIBRARY]
UI_FILES = sorted((ROOT / "Resources" / "UI").glob("*.ui"))
ALLOWED = {"slicer", "vtk", "qt", "ctk", "numpy", "LaMoDSlicerLib"} | set(sys.stdlib_module_names)


def _imports_at_file_scope(tree: ast.Module) -> set[str]:
    names = set()
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names.add((statement.module or "").partition(".")[0])
    return names


def test_module_file_is_short():
    assert len((ROOT / "LaMoDSlicer.py").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_nothing_heavy_is_imported_at_file_scope(path):
    assert _imports_at_file_scope(ast.parse(path.read_text(encoding="utf-8"))) <= ALLOWED


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: p.name)
def test_a_library_file_has_one_purpose(path):
    """A class has a file of its name, with at most two companions; other files contain functions."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    classes = [s.name for s in body if isinstance(s, ast.ClassDef)]
    assert len(classes) <= 3
    assert len(classes) != 1 or classes == [path.stem]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: p.name)
def test_no_class_has_only_static_methods(path):
    """Such a class should be a module of functions."""
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ClassDef) and not statement.bases and not statement.decorator_list:
            methods = [s for s in statement.body if isinstance(s, ast.FunctionDef)]
            assert not methods or any(not _is_static(method) for method in methods), statement.name


def _is_static(method: ast.FunctionDef) -> bool:
    names = {d.id for d in method.decorator_list if isinstance(d, ast.Name)}
    return bool(names & {"staticmethod", "classmethod"})


@pytest.mark.parametrize("path", UI_FILES, ids=lambda p: p.name)
def test_size_policies_are_attributes(path):
    """Qt reads names of policies from attributes only; from elements, it takes every name for “Fixed”."""
    assert "<hsizetype>" not in path.read_text(encoding="utf-8")


def _widget_uses(path: Path) -> list[tuple[str, str, str | None, int]]:
    """Each ``….ui.WIDGET.NAME`` of a file: (widget, name, signature if NAME is connect, line)."""
    uses = []
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute)):
            continue
        owner = node.value.value
        of_ui = (isinstance(owner, ast.Attribute) and owner.attr in ("ui", "_ui")) or (
            isinstance(owner, ast.Name) and owner.id == "ui"
        )
        if of_ui:
            call = calls.get(id(node))
            signature = None
            if node.attr == "connect" and call and isinstance(call.args[0], ast.Constant):
                signature = call.args[0].value
            uses.append((node.value.attr, node.attr, signature, node.lineno))
    return uses


def _classes_of_ui_file(path: Path) -> dict[str, str]:
    from xml.etree import ElementTree

    return {w.get("name", ""): w.get("class", "") for w in ElementTree.parse(path).getroot().iter("widget")}


@pytest.mark.parametrize("path", UI_FILES, ids=lambda p: p.name)
def test_ui_file_names_only_what_the_real_classes_have(path):
    from Testing.SlicerHost.strict import faults_of_ui_file

    assert faults_of_ui_file(path) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('<property name="noneEnabled">', '<property name="nonEnabled">', "has no property nonEnabled"),
        ("mrmlSceneChanged(vtkMRMLScene*)", "sceneChanged(vtkMRMLScene*)", "has no signal sceneChanged"),
        ("<slot>setMRMLScene(vtkMRMLScene*)</slot>", "<slot>setScene(vtkMRMLScene*)</slot>", "has no slot setScene"),
        ('class="ctkSliderWidget"', 'class="ctkSlidingWidget"', "does not list ctkSlidingWidget"),
    ],
)
def test_a_wrong_name_in_a_ui_file_is_found(tmp_path, old, new, fault):
    from Testing.SlicerHost.strict import faults_of_ui_file

    text = next(text for text in (path.read_text(encoding="utf-8") for path in UI_FILES) if old in text)
    broken = tmp_path / "broken.ui"
    broken.write_text(text.replace(old, new, 1))
    assert any(fault in found for found in faults_of_ui_file(broken))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_widget_use_names_what_the_real_class_has(path):
    from Testing.SlicerHost import strict
    from Testing.SlicerHost.pythonqt import wrapped

    classes = {name: cls for file in UI_FILES for name, cls in _classes_of_ui_file(file).items()}
    faults = []
    for widget, name, signature, line in _widget_uses(path):
        cls = classes.get(widget)
        if cls is None:
            faults.append(f"line {line}: the .ui file has no {widget}")
        elif signature is not None and not strict.has_signal(cls, signature):
            faults.append(f"line {line}: {cls} has no signal {signature}")
        elif name != "connect" and name not in strict.python_names(cls):
            base = cls if cls not in strict.real_classes() else strict.qt_base(cls)
            if not hasattr(wrapped(base), name):
                faults.append(f"line {line}: {cls} has no {name}")
    assert faults == []


RENAMES = re.compile(r"os\.rename\(|os\.replace\(|\.rename\(|shutil\.move\(")


@pytest.mark.parametrize("folder", [ROOT / "LaMoDSlicerLib", ROOT.parent / "LaMoDCore"], ids=lambda p: p.name)
def test_files_are_renamed_by_the_function_that_tries_again(folder):
    """On Windows, a virus scanner holds new files open for a moment: `runtime.atomic.replace` tries again."""
    files = [path for path in folder.rglob("*.py") if path.name != "atomic.py"]
    assert [path.name for path in files if RENAMES.search(path.read_text(encoding="utf-8"))] == []


def test_every_file_dialog_starts_in_the_folder_of_the_user():
    """Qt's dialogs start in the folder of the program, which a user cannot write to."""
    files = [path for path in LIBRARY if path.name != "FileDialogs.py"]
    assert [path.name for path in files if "QFileDialog" in path.read_text(encoding="utf-8")] == []
