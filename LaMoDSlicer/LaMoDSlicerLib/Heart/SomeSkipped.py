from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError


class SomeSkipped(InputError):
    """Of several series some were added, and the others were not.

    Args:
        problems: why series were not added, one each.
        masks: the nodes of masks that were added.
    """

    def __init__(self, problems: list[InputError], masks: list[Any]) -> None:
        more = _(" ({count} more)").format(count=len(problems) - 1) if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.masks = masks
