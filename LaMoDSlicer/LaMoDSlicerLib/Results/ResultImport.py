"""Loads a result from disk into the scene, on its own sequence browsers.

Results are folders that `lamod predict` wrote, and cases of a dataset with known motion: measured with DENSE, or
synthetic. For these cases strain is computed in the same way as for a prediction.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskFrames
from LaMoDSlicerLib.LongAxis import LongAxisKeeper
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results.ResultDraft import ResultDraft
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Results.StackDraft import StackDraft
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed

#: Arrays of a result that the module does not show.
_NOT_SHOWN = ("ecr", "jacobian", *(f"{name}_std" for name in ("displacement_mm", "err", "ecr", "e1", "e2", "jacobian")))


def load(folder: Path) -> ResultNode:
    """Load a result, or a case with known motion.

    Raises:
        InputError: the folder is neither, or cannot be read.
    """
    if (folder / "long_axis.npz").is_file() and not (folder / "motion.npz").exists():
        text = _("“{name}” contains strain of long-axis slices alone, which cannot be compared with other results.")
        raise InputError(text.format(name=folder.name))
    if (folder / "strain.json").is_file():
        return show(read(folder), folder.name)
    home = _caseFolder(folder)
    result, cine, masks = _knownMotion(home)
    return show(result, home.name, cine, masks)


def read(folder: Path) -> Any:
    """The LaMoDCore StoredResult in a folder that `lamod predict` wrote.

    Raises:
        InputError: a file is missing or damaged; the message contains no path.
    """
    from LaMoDCore.io.results import read_result
    from LaMoDCore.runtime.errors import LaMoDInputError

    try:
        return read_result(folder, leave_out=_NOT_SHOWN)
    except LaMoDInputError as error:
        file = Path(error.source).name
        reason = f"{file}: {error.reason}"
    except (KeyError, ValueError) as error:
        reason = str(error)
    raise InputError(_("The result “{name}” cannot be read ({reason}).").format(name=folder.name, reason=reason))


def show(result: Any, name: str, cine: np.ndarray | None = None, masks: np.ndarray | None = None) -> ResultNode:
    """Add a result to the scene.

    Args:
        result: LaMoDCore StoredResult.
        name: of its nodes.
        cine: [T, Z, H, W] images on the result's only stack, or None.
        masks: bool [T, Z, H, W] the myocardium there; None if only that of the reference frame is known.
    """
    numbers = ResultNumbers.ofResult(result)
    browsers: list[Any] = [None] * len(numbers.slices)
    for stack in completed(draftSteps(result, numbers, name, cine, masks)):
        scene = stack.show()
        for k in stack.slices:
            browsers[k] = scene.browserNode
    node = ResultNode.create(numbers, browsers, name)
    LongAxisKeeper.addTo(node.node, result.long_axis, None, name)
    ResultProvenance(node).keep()
    return node


def draftSteps(
    result: Any, numbers: ResultNumbers, name: str, cine: np.ndarray | None = None, masks: np.ndarray | None = None
) -> Steps:
    """Make the nodes of a result on browsers of its own, without changing the scene; returns a list of StackDraft.

    Args:
        result: LaMoDCore StoredResult.
        numbers: of the result.
        name, cine, masks: as of `show`.
    """
    drafts = []
    stacks = yield lambda: ResultStack.allOf(result)
    for number, stack in enumerate(stacks, 1):
        geometry = stack.geometry
        labels = np.zeros((stack.motion.numberOfFrames, *geometry.shape), np.uint8)
        labels[stack.referenceFrame][stack.motion.myocardium] = MaskFrames.MYOCARDIUM
        if masks is not None and len(stacks) == 1:
            labels[masks] = MaskFrames.MYOCARDIUM
        times = numbers.slices[stack.slices[0]].timesMs
        request = PredictionRequest(
            masks=MaskFrames(labels, geometry, tuple(f"{t:.1f}" for t in times), times, True),
            cine=cine.astype(np.float32) if cine is not None and len(stacks) == 1 else None,
            name=name if len(stacks) == 1 else f"{name} {number}",
        )
        draft = yield from ResultDraft.steps(stack, request, None)
        drafts.append(StackDraft(tuple(stack.slices), draft, request))
    return drafts


def _caseFolder(folder: Path) -> Path:
    if (folder / "case.json").is_file():
        return folder
    cases = sorted(p.parent for p in folder.glob("cases/*/case.json"))
    known = [p for p in cases if (p / "displacement.npz").is_file()]
    if len(known) == 1:
        return known[0]
    text = _(
        "“{name}” is neither a result of LaMoD nor a single case with known motion. Select a folder that contains "
        "strain.json, or one of the folders in “cases”."
    )
    raise InputError(text.format(name=folder.name))


def _knownMotion(case: Path) -> tuple[Any, np.ndarray | None, np.ndarray]:
    """(StoredResult, images, masks) of a dataset's case with known motion."""
    from LaMoDCore.io.dataset.folder import read_dataset_case
    from LaMoDCore.prediction.writer import write_result
    from LaMoDCore.runtime.errors import LaMoDInputError

    try:
        data = read_dataset_case(case.parents[1], case.name, pictures=True)
        with tempfile.TemporaryDirectory(prefix="LaMoD-truth-", dir=slicer.app.temporaryPath) as folder:
            write_result(_truth(data), Path(folder) / "result", report=False)
            return read(Path(folder) / "result"), data.cine, data.masks
    except LaMoDInputError as error:
        text = f"{Path(error.source).name}: {error.reason}; {error.remedy}."
        raise InputError(text) from error
    except (OSError, KeyError, ValueError) as error:
        raise InputError(_("“{name}” cannot be read ({reason}).").format(name=case.name, reason=error)) from error


def _truth(data: Any) -> Any:
    """The LaMoDCore StrainResult of a case with known motion."""
    from LaMoDCore.evaluation.truth import truth_of
    from LaMoDCore.heart.case import Motion, StrainResult
    from LaMoDCore.strain import quality_notes, summarise

    truth = truth_of(data)
    if truth is None:
        raise InputError(_("“{name}” contains no known motion to compare with.").format(name=data.id))
    source = (data.details or {}).get("source") or _("known motion of the case")
    motion = Motion(truth.motions, {"model": str(source), "samples": 1})
    summary = {
        **summarise(truth.case, truth.strains, truth.es_frame),
        "provenance": dict(motion.provenance),
    }
    findings = quality_notes(truth.case, motion, truth.strains, truth.es_frame)
    return StrainResult(truth.case, motion, truth.strains, truth.es_frame, summary, findings)
