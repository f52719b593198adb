"""Names that packages import when they are first used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from importlib import import_module

import pytest

PACKAGES = ("LaMoDCore", "LaMoDCore.io", "LaMoDCore.dense")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_can_be_imported(package):
    module = import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_same_modules_as_the_table(package):
    """`write_result` in LaMoDCore.io is the exception: its module is in a higher package."""
    source = inspect.getsource(import_module(package))
    checked = {
        alias.name: node.module
        for block in ast.parse(source).body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    (table,) = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict)]
    lazy = ast.literal_eval(table)
    if package == "LaMoDCore.io":
        lazy.pop("write_result")
    assert checked == lazy


def test_importing_the_library_imports_neither_numpy_nor_torch():
    code = "import sys, LaMoDCore, LaMoDCore.io; print({'numpy', 'torch', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"
