import importlib.util
from typing import ClassVar

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError


class Dependencies:
    """The Python packages that a prediction needs and Slicer lacks: asked for once, by a click, never at start-up."""

    #: Besides torch: what LaMoDCore imports to predict. numpy, scipy, SimpleITK and pydicom come with Slicer.
    PACKAGES = ("safetensors>=0.4", "matplotlib>=3.8")
    #: What training needs besides.
    FOR_TRAINING = ("lightning-fabric>=2.2",)
    #: What the analysis of DENSE scans needs besides.
    FOR_DENSE = ("scikit-image>=0.22",)
    _MODULES: ClassVar = {"scikit-image": "skimage"}

    @classmethod
    def missing(cls, further: tuple[str, ...] = ()) -> list[str]:
        """Names of what is not installed. Args: further: requirements besides those of a prediction."""
        names = [requirement.partition(">")[0] for requirement in (*cls.PACKAGES, *further)]
        return [name for name in ("torch", *names) if importlib.util.find_spec(cls._moduleOf(name)) is None]

    @classmethod
    def _moduleOf(cls, name: str) -> str:
        return cls._MODULES.get(name, name.replace("-", "_"))

    @classmethod
    def ensure(cls, further: tuple[str, ...] = ()) -> None:
        """Install what is missing, after asking.

        Args:
            further: requirements besides those of a prediction.

        Raises:
            InputError: it is declined, or the PyTorch extension is not there.
        """
        missing = cls.missing(further)
        if "torch" in missing:
            cls._installTorch()
        packages = [r for r in (*cls.PACKAGES, *further) if r.partition(">")[0] in missing]
        if packages:
            cls._installPackages(packages)

    @staticmethod
    def _installTorch() -> None:
        try:
            import PyTorchUtils
        except ModuleNotFoundError:
            raise InputError(
                _(
                    "LaMoD needs PyTorch: install the extension “PyTorch” in the Extensions Manager, restart Slicer "
                    "and predict again."
                )
            ) from None
        if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True) is None:
            raise InputError(
                _("LaMoD needs PyTorch, and it was not installed. Press Predict Strain to be asked again.")
            )

    @staticmethod
    def _installPackages(packages: list[str]) -> None:
        declined = _("LaMoD needs {packages}, and it was not installed. Press Predict Strain to be asked again.")
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
