"""Names that a package exports and imports when they are first used (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_exports(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose names are imported when they are first used.

    So ``import LaMoDCore`` imports neither torch nor numpy. Type checkers read the package's imports under
    ``if TYPE_CHECKING``.

    Args:
        package: ``__name__`` of the package.
        modules: exported name to the module that defines it.
    """

    def getattr_of_package(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return getattr_of_package
