"""The Python packages that LaMoD needs and Slicer lacks: installed only after a click and a confirmation."""

import importlib.util

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError

#: What LaMoDCore imports to predict, in addition to torch. Slicer includes numpy, scipy, SimpleITK and pydicom.
PACKAGES = ("safetensors>=0.4", "matplotlib>=3.8")
#: Additional packages for training.
FOR_TRAINING = ("lightning-fabric>=2.2",)
#: Additional packages for the analysis of DENSE scans.
FOR_DENSE = ("scikit-image>=0.22",)
_MODULES = {"scikit-image": "skimage"}


def missing(additional: tuple[str, ...] = ()) -> list[str]:
    """Names of the packages that are not installed.

    Args:
        additional: requirements in addition to those of a prediction.
    """
    names = [requirement.partition(">")[0] for requirement in (*PACKAGES, *additional)]
    return [name for name in ("torch", *names) if importlib.util.find_spec(_moduleOf(name)) is None]


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
