"""Small stand-ins for Slicer's Python: ``slicer.i18n``, ``slicer.packaging`` and ``SampleData``."""

from __future__ import annotations

import importlib
import importlib.metadata
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import slicer


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name, f"Stand-in for {name}")
    vars(module).update(members)
    sys.modules[name] = module
    return module


class Packaging:
    """``slicer.packaging``: checks what is installed and records what would be installed; installs nothing.

    Attributes:
        asked: requirements and requester of each question of `pip_ensure`.
        installed: requirements of each installation.
        accepts: the user's answer to the question.
        failure: output with which pip fails; "" if it succeeds.
        is_running: whether another installation is in progress.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], str | None]] = []
        self.installed: list[list[str]] = []
        self.accepts, self.failure, self.is_running = False, "", False

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
        if not missing:
            return
        self.asked.append((missing, requester))
        if not self.accepts:
            raise RuntimeError("User declined package installation")
        self.pip_install(missing, requester=requester)

    def pip_install(self, requirements: str | list[str], requester: str | None = None, **_: Any) -> None:
        if self.is_running:
            raise RuntimeError("A non-blocking pip_install is already in progress. Wait for it to complete.")
        self.installed.append(requirements.split() if isinstance(requirements, str) else list(requirements))
        if self.failure:
            print(self.failure)
            raise subprocess.CalledProcessError(1, "pip install")


class SampleDataLogic:
    """The SampleData module's list of sources; runs those with a downloader of their own."""

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        slicer.modules.sampleDataSourceCategories.setdefault(category, {})["title"] = title

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **source: Any) -> None:
        for name in ("uris", "fileNames", "nodeNames"):
            if source.get(name) is None and not isinstance(source.get("uris"), str):
                raise ValueError(f"SampleData needs {name}, which may be an empty string")
        slicer.modules.sampleDataSources.setdefault(category, []).append(SimpleNamespace(**source))

    @staticmethod
    def downloadSample(sample_name: str) -> Any:
        for sources in slicer.modules.sampleDataSources.values():
            for source in sources:
                if source.sampleName == sample_name:
                    return source.customDownloader(source)
        raise KeyError(sample_name)


def install() -> Packaging:
    """Make the stand-ins importable as ``slicer.i18n`` etc."""
    packaging = Packaging()
    slicer.i18n = _module("slicer.i18n", tr=lambda text: text, translate=lambda _context, text: text)
    members = {name: getattr(packaging, name) for name in ("pip_check", "pip_ensure", "pip_install")}
    slicer.packaging = _module("slicer.packaging", **members)
    _module("SampleData", SampleDataLogic=SampleDataLogic)
    for name, source in (
        ("ScriptedLoadableModule", "Testing.SlicerHost.scripted_module"),
        ("parameterNodeWrapper", "Testing.SlicerHost.parameter_nodes"),
    ):
        module = importlib.import_module(source)
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    return packaging
