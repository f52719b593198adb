"""The Python packages that LaMoD needs and Slicer lacks: installed only after a click and a confirmation."""

import importlib.util
import re
import subprocess

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError

#: What LaMoDCore imports to predict, in addition to torch. Slicer includes numpy, scipy, SimpleITK and pydicom.
PACKAGES = ("safetensors>=0.4", "matplotlib>=3.8")
#: Additional packages for training.
FOR_TRAINING = ("lightning-fabric>=2.2",)
#: Additional packages for the analysis of DENSE scans.
FOR_DENSE = ("scikit-image>=0.22",)
#: Packages that `lamod contour` needs in addition to those of Slicer; it does not use torch.
FOR_CONTOURS = ("onnxruntime>=1.17", "matplotlib>=3.8")
_MODULES = {"scikit-image": "skimage"}
#: Approximate download sizes in MB, with dependencies that Slicer does not contain.
_MEGABYTES = {"onnxruntime": 30, "matplotlib": 20, "myopari": 10}


def missing(additional: tuple[str, ...] = ()) -> list[str]:
    """Names of the packages that are not installed.

    Args:
        additional: requirements in addition to those of a prediction.
    """
    names = [requirement.partition(">")[0] for requirement in (*PACKAGES, *additional)]
    return [name for name in ("torch", *names) if importlib.util.find_spec(_moduleOf(name)) is None]


def missingForContours() -> list[str]:
    """Requirements of automatic contours that are not installed, without the package of the engine."""
    return [r for r in FOR_CONTOURS if importlib.util.find_spec(_moduleOf(r.partition(">")[0])) is None]


def downloadMegabytes(requirements: list[str]) -> int:
    """Approximate size of a download; 10 MB for a package of unknown size."""
    names = [re.split("[<>=]", requirement)[0] for requirement in requirements]
    return sum(_MEGABYTES.get(name, 10) for name in names)


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
    try:  # slicer.util.pip_install calls slicer.packaging where that exists
        slicer.util.pip_install(" ".join([*(["--no-deps"] if withoutDependencies else []), *requirements]))
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        text = _("{packages} could not be installed ({error}): check the network connection and try again.")
        raise InputError(text.format(packages=", ".join(requirements), error=error)) from error
    importlib.invalidate_caches()


def _moduleOf(package: str) -> str:
    return _MODULES.get(package, package.replace("-", "_"))


def ensure(additional: tuple[str, ...] = ()) -> None:
    """Install the missing packages after confirmation.

    Args:
        additional: requirements in addition to those of a prediction.

    Raises:
        InputError: the installation was declined, or the PyTorch extension is not installed.
    """
    absent = missing(additional)
    if "torch" in absent:
        _installTorch()
    packages = [r for r in (*PACKAGES, *additional) if r.partition(">")[0] in absent]
    if packages:
        _installPackages(packages)


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
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True) is None:
        raise InputError(_("LaMoD needs PyTorch, which was not installed. Press the button again to install it."))


def _installPackages(packages: list[str]) -> None:
    declined = _("LaMoD needs {packages}, which was not installed. Press the button again to install it.")
    declined = declined.format(packages=", ".join(packages))
    try:
        from slicer.packaging import pip_ensure
    except ImportError:  # Slicer 5.10
        question = _("LaMoD needs these Python packages: {packages}. Install them into Slicer?")
        if not slicer.util.confirmOkCancelDisplay(question.format(packages=", ".join(packages))):
            raise InputError(declined) from None
        slicer.util.pip_install(" ".join(packages))
        return
    try:
        pip_ensure(packages, requester="LaMoD")
    except RuntimeError:
        raise InputError(declined) from None
