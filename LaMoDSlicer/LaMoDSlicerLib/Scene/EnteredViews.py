"""What the module changes in the views while it is shown and there is a result, and restores for other modules."""

from typing import Any

from LaMoDSlicerLib.Scene import CleanUp, SliceViews
from LaMoDSlicerLib.Scene.StackCamera import StackCamera


def adapt() -> None:
    """Draw slices fast, and show the heart in 3-D without the bounding box."""
    SliceViews.letAllResliceBeFast()
    StackCamera().clear()


def follow(owner: Any, parameters: Any) -> None:
    """`adapt` if the module is shown and there is a result.

    Args:
        owner: the module's widget.
        parameters: its ParameterNode, or None while the scene is closed.
    """
    if owner.parent.isEntered and parameters is not None and parameters.resultBrowser is not None:
        adapt()


def restore() -> None:
    """Undo `adapt`."""
    CleanUp.runAll(SliceViews.restoreSampling, StackCamera.restoreViews)
