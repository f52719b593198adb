import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Reading.ReadingBuilder import ReadingBuilder
from LaMoDSlicerLib.Reading.ReadingNode import ReadingNode
from LaMoDSlicerLib.Results.ResultFiles import ResultFiles
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Results.ResultStacks import ResultStacks


class ResultImport:
    """Brings a result from disk into the scene, on sequence browsers of its own.

    A result is what `lamod predict` wrote, or a case of a dataset whose motion is known: measured with DENSE, or a
    phantom's. Of the latter, strain is computed here, as it is of a prediction.
    """

    @classmethod
    def load(cls, folder: Path) -> ReadingNode:
        """Raises:
        InputError: it is neither, or cannot be read.
        """
        cine = drawn = None
        try:
            if (folder / "strain.json").is_file():
                home, name = folder, folder.name
            else:
                home, cine, drawn, name = cls._ofCase(folder)
            result = ResultFiles.read(home)
            reading = ReadingBuilder(result).build()
        except (OSError, KeyError, ValueError) as error:
            raise InputError(_("“{name}” cannot be read: {error}.").format(name=folder.name, error=error)) from error
        return cls.show(result, reading, name, cine, drawn)

    @classmethod
    def show(
        cls,
        result: ResultFiles,
        reading: Reading,
        name: str,
        cine: np.ndarray | None = None,
        drawn: np.ndarray | None = None,
    ) -> ReadingNode:
        """Put a result into the scene.

        Args:
            result, reading: of one folder.
            name: what its nodes are called.
            cine: [T, Z, H, W] pictures on the result's one stack, or None.
            drawn: bool [T, Z, H, W] the myocardium as it was drawn there; None where only that of the reference frame
                is known.
        """
        browsers: list[Any] = [None] * len(reading.slices)
        stacks = ResultStacks(result)
        groups = stacks.stacks()
        for number, (indices, geometry) in enumerate(groups, 1):
            part = stacks.part(indices)
            labels = np.zeros((part.numberOfFrames, *geometry.shape), np.uint8)
            labels[part.referenceFrame][part.myocardium] = MaskFrames.MYOCARDIUM
            if drawn is not None and len(groups) == 1:
                labels[drawn] = MaskFrames.MYOCARDIUM
            times = reading.slices[indices[0]].timesMs
            request = PredictionRequest(
                masks=MaskFrames(
                    labels,
                    geometry,
                    tuple(f"{t:.1f}" for t in times),
                    times,
                    True,
                ),
                cine=cine.astype(np.float32) if cine is not None and len(groups) == 1 else None,
                name=name if len(groups) == 1 else f"{name} {number}",
            )
            scene = ResultScene.create(part, request)
            for k in indices:
                browsers[k] = scene.browserNode
        node = ReadingNode.create(reading, browsers, name)
        ResultProvenance(node).keep()
        return node

    @classmethod
    def _ofCase(cls, folder: Path) -> tuple[Path, np.ndarray | None, np.ndarray, str]:
        """(result folder, pictures, drawn masks, name) of a dataset's case with known motion."""
        from LaMoDCore.io.dataset.folder import read_dataset_case
        from LaMoDCore.prediction.writer import write_result
        from LaMoDCore.runtime.errors import LaMoDInputError

        home = cls._caseFolder(folder)
        try:
            data = read_dataset_case(home.parents[1], home.name, pictures=True)
            result = cls._truth(data)
            target = Path(tempfile.mkdtemp(prefix="LaMoD-truth-", dir=slicer.app.temporaryPath)) / "result"
            write_result(result, target, report=False)
        except LaMoDInputError as error:
            raise InputError(str(error).replace(str(folder), folder.name)) from error
        return target, data.cine, data.masks, home.name

    @staticmethod
    def _caseFolder(folder: Path) -> Path:
        if (folder / "case.json").is_file():
            return folder
        cases = sorted(p.parent for p in folder.glob("cases/*/case.json"))
        known = [p for p in cases if (p / "displacement.npz").is_file()]
        if len(known) == 1:
            return known[0]
        text = _(
            "“{name}” is neither a result of LaMoD nor one case with known motion: choose a folder that holds "
            "strain.json, or one of the folders in “cases”."
        )
        raise InputError(text.format(name=folder.name))

    @staticmethod
    def _truth(data: Any) -> Any:
        """The StrainResult of a case whose motion is known."""
        from LaMoDCore.evaluation.truth import truth_of
        from LaMoDCore.heart.case import Motion, StrainResult
        from LaMoDCore.strain import quality_notes, summarise

        truth = truth_of(data)
        if truth is None:
            raise InputError(_("“{name}” holds no measured motion to compare with.").format(name=data.id))
        source = (data.details or {}).get("source") or _("known motion of the case")
        motion = Motion(truth.motions, {"model": str(source), "samples": 1})
        summary = {
            **summarise(truth.case, truth.strains, truth.es_frame),
            "provenance": dict(motion.provenance),
        }
        findings = quality_notes(truth.case, motion, truth.strains, truth.es_frame)
        return StrainResult(truth.case, motion, truth.strains, truth.es_frame, summary, findings)
