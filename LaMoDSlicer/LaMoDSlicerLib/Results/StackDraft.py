from dataclasses import dataclass

from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultDraft import ResultDraft
from LaMoDSlicerLib.Results.ResultScene import ResultScene


@dataclass(frozen=True, eq=False)
class StackDraft:
    """One stack of a result, outside the scene.

    Attributes:
        slices: their indices in the result.
        draft: the nodes of the stack.
        request: its grid, name and images.
    """

    slices: tuple[int, ...]
    draft: ResultDraft
    request: PredictionRequest

    def show(self) -> ResultScene:
        """Add the stack to the scene."""
        return ResultScene.show(self.draft, self.request)
