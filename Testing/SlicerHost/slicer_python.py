"""Small stand-ins for Slicer's Python: ``slicer.i18n``, ``slicer.packaging`` and ``SampleData``."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
from types import ModuleType
from typing import Any

import slicer


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name, f"Stand-in for {name}")
    vars(module).update(members)
    sys.modules[name] = module
    return module


class Packaging:
    """``slicer.packaging``: checks what is installed; records requests to install but refuses them."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], str | None]] = []

    def pip_check(self, requirements: str | list[str]) -> bool:
        names = requirements.split() if isinstance(requirements, str) else requirements
        return all(self._is_installed(name) for name in names)

    @staticmethod
    def _is_installed(requirement: str) -> bool:
        try:
            importlib.metadata.version(
                requirement.split(">", maxsplit=1)[0].split("=", maxsplit=1)[0].split("<", maxsplit=1)[0].strip()
            )
        except importlib.metadata.PackageNotFoundError:
            return False
        return True

    def pip_ensure(self, requirements: list[str], requester: str | None = None, **_: Any) -> None:
        missing = [name for name in requirements if not self._is_installed(name)]
        if missing:
            self.asked.append((missing, requester))
            raise RuntimeError("User declined package installation")


class SampleDataLogic:
    """The SampleData module's list of sources; runs those with a downloader of their own."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **source: Any) -> None:
        for name in ("uris", "fileNames", "nodeNames"):
            if source.get(name) is None and not isinstance(source.get("uris"), str):
                raise ValueError(f"SampleData needs {name}, which may be an empty string")
        slicer.modules.sampleDataSources.setdefault(category, []).append(source)

    @staticmethod
    def downloadSample(sample_name: str) -> Any:
        for sources in slicer.modules.sampleDataSources.values():
            for source in sources:
                if source["sampleName"] == sample_name:
                    return source["customDownloader"](source)
        raise KeyError(sample_name)


def install() -> Packaging:
    """Make the stand-ins importable as ``slicer.i18n`` etc."""
    packaging = Packaging()
    slicer.i18n = _module("slicer.i18n", tr=lambda text: text, translate=lambda _context, text: text)
    slicer.packaging = _module("slicer.packaging", pip_check=packaging.pip_check, pip_ensure=packaging.pip_ensure)
    _module("SampleData", SampleDataLogic=SampleDataLogic)
    for name, source in (
        ("ScriptedLoadableModule", "Testing.SlicerHost.scripted_module"),
        ("parameterNodeWrapper", "Testing.SlicerHost.parameter_nodes"),
    ):
        module = importlib.import_module(source)
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    return packaging
