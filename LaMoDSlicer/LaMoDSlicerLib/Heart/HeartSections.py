from typing import Any

from LaMoDSlicerLib.Heart.HeartModel import HeartModel
from LaMoDSlicerLib.Heart.HeartPanel import HeartPanel
from LaMoDSlicerLib.Prediction.AnswerSection import AnswerSection
from LaMoDSlicerLib.Prediction.PredictPanel import PredictPanel


class HeartSections:
    """The sections Heart and Strain, which share the table of slices.

    Args:
        owner: the module's widget.
    """

    def __init__(self, owner: Any) -> None:
        self.model = HeartModel()
        self._owner = owner
        self.predict = PredictPanel(owner, self.model, self._present)
        self.heart = HeartPanel(
            owner, self.model, self.predict.showMessage, self.predict.heartChanged, self._onSelected
        )
        self.answer = AnswerSection(owner.ui, self.model, self._openRoom)
        owner.contoursPanel.sliceNumbers = self._numbers
        self._parts = (self.heart, self.predict, self.answer)

    def setParameters(self, parameters: Any) -> None:
        for part in self._parts:
            part.setParameters(parameters)

    def update(self) -> None:
        for part in self._parts:
            part.update()

    def _present(self, node: Any) -> None:
        self._owner.displayPanel.views.present(node, self._owner.predictPanel.parameters)

    def _onSelected(self, row: Any) -> None:
        if hasattr(self._owner.contoursPanel, "showDepth"):
            self._owner.contoursPanel.showDepth(row.depth)

    def _openRoom(self) -> None:
        self._owner.readingPanel.ui.roomButton.checked = True

    def _numbers(self, masks: Any) -> dict[int, int]:
        """Index of a slice in the volume of masks -> its number in the table."""
        return {row.depth: row.number for row in self.model.usedRows if row.series.masks is masks}
