"""The Python packages that LaMoD needs and Slicer lacks: installed only after a click and a confirmation."""

import contextlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Worker.PipOutput import PipOutput

_FILE = Path(__file__).resolve().parents[2] / "Resources" / "requirements.txt"
#: What LaMoDCore imports to predict, in addition to torch. Slicer includes numpy, scipy, SimpleITK and pydicom.
PACKAGES = tuple(
    line.strip() for line in _FILE.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] not in "#-"
)
#: What the reading room draws its pictures with.
FOR_PICTURES = ("matplotlib>=3.8",)
#: Additional packages for training.
FOR_TRAINING = ("lightning-fabric>=2.2",)
#: Additional packages for the analysis of DENSE scans.
FOR_DENSE = ("scikit-image>=0.22",)
#: Additional packages for DICOM export.
FOR_DICOM = ("highdicom>=0.28",)
#: Additional packages for pages for browsers.
FOR_PAGES = ("bokeh>=3.6",)
#: Packages that `lamod contour` needs in addition to those of Slicer; it does not use torch.
FOR_CONTOURS = ("onnxruntime>=1.17", "matplotlib>=3.8")
#: Name that Slicer's dialogs show.
REQUESTER = "LaMoD"
_MODULES = {"scikit-image": "skimage"}
#: Approximate download sizes in MB, with dependencies that Slicer does not contain.
_MEGABYTES = {"onnxruntime": 30, "matplotlib": 20, "myopari": 10}


def missing(additional: tuple[str, ...] = ()) -> list[str]:
    """Names of the packages that are not installed.

    Args:
        additional: requirements in addition to those of a prediction.
    """
    names = [_name(requirement) for requirement in (*PACKAGES, *additional)]
    return [name for name in ("torch", *names) if importlib.util.find_spec(_moduleOf(name)) is None]


def missingOf(requirements: tuple[str, ...]) -> list[str]:
    """The requirements that are not installed."""
    return [r for r in requirements if importlib.util.find_spec(_moduleOf(_name(r))) is None]


def downloadMegabytes(requirements: list[str]) -> int:
    """Approximate size of a download; 10 MB for a package of unknown size."""
    return sum(_MEGABYTES.get(_name(requirement), 10) for requirement in requirements)


def install(requirements: list[str], withoutDependencies: bool = False) -> None:
    """Install packages into Slicer; the caller has asked for confirmation.

    Args:
        requirements: may be empty.
        withoutDependencies: whether the packages that they require are left out.

    Raises:
        InputError: the installation failed.
    """
    if not requirements:
        return
    arguments = [*(["--no-deps"] if withoutDependencies else []), *requirements]
    with _failuresAsInputErrors(requirements), _normalCursor():
        try:
            from slicer.packaging import pip_install
        except ImportError:  # Slicer 5.10
            slicer.util.pip_install(arguments)
        else:
            pip_install(arguments, requester=REQUESTER)
    importlib.invalidate_caches()


def ensure(additional: tuple[str, ...] = ()) -> None:
    """Install the missing packages of a prediction after confirmation.

    Args:
        additional: requirements in addition to those of a prediction.

    Raises:
        InputError: the installation was declined or failed, or the PyTorch extension is not installed.
    """
    absent = missing(additional)
    if "torch" in absent:
        _installTorch()
    ensureOnly(tuple(r for r in (*PACKAGES, *additional) if _name(r) in absent))


def ensureOnly(requirements: tuple[str, ...]) -> None:
    """Install packages that are missing after confirmation.

    Raises:
        InputError: the installation was declined or failed.
    """
    packages = missingOf(requirements)
    if not packages:
        return
    text = _("LaMoD needs {packages}, which was not installed. Press the button again to install it.")
    declined = InputError(text.format(packages=", ".join(packages)))
    try:
        from slicer.packaging import pip_ensure
    except ImportError:  # Slicer 5.10
        question = _("LaMoD needs these Python packages: {packages}. Install them into Slicer?")
        if not slicer.util.confirmOkCancelDisplay(question.format(packages=", ".join(packages))):
            raise declined from None
        install(packages)
        return
    with _failuresAsInputErrors(packages), _normalCursor():
        try:
            pip_ensure(packages, requester=REQUESTER)
        except RuntimeError as error:
            if "declined" in str(error):  # Slicer raises the same class when pip is running already
                raise declined from None
            raise
    importlib.invalidate_caches()
    if missingOf(requirements):  # Slicer installs nothing while it runs tests
        raise declined


def _installTorch() -> None:
    try:
        import PyTorchUtils
    except ModuleNotFoundError:
        raise InputError(
            _(
                "LaMoD needs PyTorch: install the extension “PyTorch” in the Extensions Manager, restart Slicer "
                "and try again."
            )
        ) from None
    with _failuresAsInputErrors(["torch"]), _normalCursor():
        torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True)
    if torch is None:
        raise InputError(_("LaMoD needs PyTorch, which was not installed. Press the button again to install it."))


def _name(requirement: str) -> str:
    return re.split("[<>=]", requirement)[0]


def _moduleOf(package: str) -> str:
    return _MODULES.get(package, package.replace("-", "_"))


@contextlib.contextmanager
def _failuresAsInputErrors(requirements: list[str]) -> Iterator[None]:
    """Report a failed installation with the last line that pip printed, which Slicer prints to its console."""
    output = PipOutput(sys.stdout)
    try:
        with contextlib.redirect_stdout(output):
            yield
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        text = _("{packages} could not be installed: {reason}. Check the network connection and try again.")
        reason = (output.line or str(error)).removeprefix("ERROR: ").rstrip(".")
        raise InputError(text.format(packages=", ".join(requirements), reason=reason)) from error


@contextlib.contextmanager
def _normalCursor() -> Iterator[None]:
    """Show the normal cursor over Slicer's dialogs, although the caller shows the wait cursor."""
    import qt

    shapes = []  # the cursors themselves become invalid when they are removed
    while qt.QApplication.overrideCursor() is not None and len(shapes) < 50:
        shapes.append(qt.QApplication.overrideCursor().shape())
        qt.QApplication.restoreOverrideCursor()
    try:
        yield
    finally:
        for shape in reversed(shapes):
            qt.QApplication.setOverrideCursor(qt.QCursor(shape))
