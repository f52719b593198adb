"""Hash of the code of a method, so that cached predictions of other code versions are not used."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = "LaMoDCore"
_ROOT = Path(__file__).resolve().parents[1]


@cache
def code_digest(*modules: str) -> str:
    """Hash modules and, recursively, all modules of this package that they import at the top level.

    Comments, docstrings, formatting, other packages and imports inside functions do not count.

    Args:
        modules: full names such as ``LaMoDCore.heart.canonical``.

    Returns:
        SHA-256, hexadecimal.

    Raises:
        FileNotFoundError: one of `modules` does not exist.
    """
    return digest_of(_ROOT, modules)


def digest_of(root: Path, modules: tuple[str, ...]) -> str:
    """Hash modules as `code_digest` does, reading the package's code from the folder `root`.

    Args:
        root: folder of the package.
        modules: full names such as ``LaMoDCore.heart.canonical``.

    Returns:
        SHA-256, hexadecimal.

    Raises:
        FileNotFoundError: one of `modules` does not exist.
    """
    found: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        file = _file(root, name)
        if file is None:
            raise FileNotFoundError(f"{root} contains no module {name}")
        tree = ast.parse(file.read_bytes())
        waiting += [each for each in _imported(tree) if _file(root, each) is not None]
        found[name] = ast.dump(_without_docstrings(tree))
    text = "\n".join(f"{name} {found[name]}" for name in sorted(found))
    return hashlib.sha256(text.encode()).hexdigest()


def _file(root: Path, name: str) -> Path | None:
    first, *rest = name.split(".")
    if first != _PACKAGE or not rest:  # the package's __init__ only defines the public names
        return None
    place = root.joinpath(*rest)
    candidates = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Names that may be modules: for ``from a.b import c``, a.b and a.b.c."""
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module is not None and not statement.level:
            yield statement.module
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not _is_docstring(each)] or [ast.Pass()]
    return tree


def _is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
