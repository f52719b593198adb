from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Advanced.DatasetSection import DatasetSection
from LaMoDSlicerLib.Advanced.EvaluateSection import EvaluateSection
from LaMoDSlicerLib.Advanced.ModelsSection import ModelsSection
from LaMoDSlicerLib.Advanced.TrainSection import TrainSection
from LaMoDSlicerLib.Prediction.ConventionChooser import ConventionChooser, names
from LaMoDSlicerLib.Prediction.ModelChooser import ModelChooser


class AdvancedPanel:
    """The panel's part for researchers, collapsed by default: dataset, training, evaluation, models.

    Args:
        owner: the module's widget; its Advanced button contains the sections.
    """

    def __init__(self, owner: Any) -> None:
        self._ui = owner.ui
        self._parameters: Any = None
        self.dataset = DatasetSection(owner, self._onDataset)
        self.train = TrainSection(owner, self.datasetFolder, self.useModel)
        self.evaluate = EvaluateSection(owner, self.datasetFolder, self.train.run)
        self.models = ModelsSection(owner, self.useModel)
        self._sections = (self.dataset, self.train, self.evaluate, self.models)
        for section in self._sections:
            self._ui.advancedButton.layout().addRow(section.widget)
        self.chooser = ModelChooser(self._ui.modelSelector, self.useModel)
        self._conventions = ConventionChooser(self._ui.conventionSelector, self._useConvention)
        self._ui.advancedButton.connect("contentsCollapsed(bool)", lambda _collapsed: self.update())

    def datasetFolder(self) -> Path | None:
        """Folder of the selected dataset, or None."""
        return self.dataset.folder()

    def _onDataset(self) -> None:
        self.train.datasetChanged()
        self.evaluate.datasetChanged()

    def useModel(self, name: str) -> None:
        """Select the model for predictions.

        Args:
            name: name or folder; "" for the model that comes with LaMoD.
        """
        if self._parameters is not None:
            self._parameters.model = name
        if not self.models.ui.modelsButton.collapsed:
            self.models.refresh()
        self.update()

    def _useConvention(self, convention: str) -> None:
        if self._parameters is not None:
            self._parameters.contourConvention = convention

    def setParameters(self, parameters: Any) -> None:
        self._parameters = parameters
        for section in self._sections:
            section.setParameters(parameters)
        self.update()

    def update(self) -> None:
        """List the models and show the contour convention; if the panel is collapsed, its title states the latter."""
        self._ui.advancedButton.text = self._title()
        if self._parameters is not None and not self._ui.advancedButton.collapsed:
            self.chooser.update(self._parameters.model)
            self._conventions.update(self._parameters.contourConvention)

    def _title(self) -> str:
        convention = "auto" if self._parameters is None else self._parameters.contourConvention
        if convention == "auto" or convention not in names() or not self._ui.advancedButton.collapsed:
            return _("Advanced")
        return _("Advanced (contour convention: {name})").format(name=names()[convention])

    def cleanup(self) -> None:
        """Cancel all commands because the module is unloaded."""
        for section in self._sections:
            section.cleanup()
