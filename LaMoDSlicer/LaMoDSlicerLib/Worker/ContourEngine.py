"""The engine of automatic contours: its licences are shown and accepted before the first use."""

from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Worker import Dependencies

#: Application setting: the hash of the engine whose licences the user accepted.
ACCEPTED = "LaMoD/AcceptedContourEngine"


def ensure() -> None:
    """Ask before the first use of the engine; install what is missing after the confirmation.

    Raises:
        InputError: the user declined, or the engine cannot be used.
    """
    from LaMoDCore.contours.automatic.registry import find_engine
    from LaMoDCore.runtime.errors import LaMoDInputError

    try:
        engine = find_engine()
    except LaMoDInputError as error:
        raise InputError(str(error)) from error
    packages, engines = Dependencies.missingOf(Dependencies.FOR_CONTOURS), _missingPackage(engine)
    settings = slicer.app.userSettings()
    if not packages and not engines and settings.value(ACCEPTED) == engine.sha256:
        return
    if not slicer.util.confirmOkCancelDisplay(_question(engine, packages, engines), windowTitle=_("Draw contours")):
        raise InputError(_("Nothing was drawn or installed: the contour engine was not accepted."))
    Dependencies.install(packages)
    Dependencies.install(engines, withoutDependencies=True)
    settings.setValue(ACCEPTED, engine.sha256)


def _missingPackage(engine: Any) -> list[str]:
    """The requirement of the package that contains the engine's network, if it is not installed."""
    isPackaged = bool(engine.distribution)
    return [f"{engine.distribution}=={engine.version}"] if isPackaged and engine.onnx_file is None else []


def _question(engine: Any, packages: list[str], engines: list[str]) -> str:
    text = _("Contours are drawn by a neural network from a third party. Check whether its licences permit your use.")
    parts = [text, engine.notice]
    if packages or engines:
        listed = [*packages, *(_("{package} (without its dependencies)").format(package=p) for p in engines)]
        text = _("These Python packages will be downloaded (about {size} MB) and installed into Slicer: {packages}.")
        size = Dependencies.downloadMegabytes([*packages, *engines])
        parts += [text.format(size=size, packages=", ".join(listed)), _("Install them and draw the contours?")]
    else:
        parts += [_("Nothing is downloaded: the engine is installed."), _("Draw the contours with this engine?")]
    return "\n\n".join(parts)
