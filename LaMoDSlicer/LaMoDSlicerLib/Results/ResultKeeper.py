"""Adds a new result to the scene: on the cines it belongs to, in place of the earlier result or next to it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Display.SpatialFields import SpatialFields
from LaMoDSlicerLib.Heart.HeartRecord import HeartRecord
from LaMoDSlicerLib.LongAxis import LongAxisKeeper
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Prediction.HeartRequest import HeartRequest
from LaMoDSlicerLib.Prediction.PredictionRequest import PredictionRequest
from LaMoDSlicerLib.Results import ResultContours, ResultImport
from LaMoDSlicerLib.Results.ResultDraft import ResultDraft
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Results.ResultStack import ResultStack
from LaMoDSlicerLib.Results.StackDraft import StackDraft
from LaMoDSlicerLib.Scene.UniqueName import uniqueName
from LaMoDSlicerLib.Worker.SlicedWork import Steps, completed

#: Attribute of the parameter node; set if a new prediction is added to earlier ones instead of replacing them.
ADD = "LaMoD.AddResults"
#: Reference of the parameter node to a browser of the current result.
_CURRENT = "resultBrowser"


def add(result: Any, request: HeartRequest, parameterNode: Any) -> ResultNode:
    """Add a LaMoDCore StoredResult to the scene, each slice on the cine of its series.

    A result of the same series or masks is replaced, unless the parameter node has the attribute `ADD`.

    Raises:
        ValueError: a slice of the result belongs to none of the series, or has another size; the scene is unchanged.
    """
    return completed(steps(result, request, parameterNode))


def steps(result: Any, request: HeartRequest, parameterNode: Any, onCommit: Callable[[], None] = lambda: None) -> Steps:
    """As `add`, in small steps.

    Args:
        result, request, parameterNode: as for `add`.
        onCommit: called before the scene is changed; the steps after it must all be done.
    """
    if not request.parts:
        onCommit()
        return _addAlone(result, request, parameterNode)
    owners = [_ownerOf(slice_, request) for slice_ in result.slices]
    # all that a damaged result can fail at comes before the earlier result is removed
    numbers = yield lambda: ResultNumbers.ofResult(result)
    ofPart = {part: [k for k, owner in enumerate(owners) if owner is part] for part in dict.fromkeys(owners)}
    places = {part: placeFor(part, parameterNode) for part in ofPart}
    drafts: dict[PredictionRequest, list[StackDraft]] = {}
    for part, own in ofPart.items():
        made = yield lambda own=own, part=part: _fieldsOf(result, own, part)
        if made is not None:
            draft = yield from ResultDraft.steps(made[0], places[part], made[1])
            drafts[part] = [StackDraft(tuple(range(len(own))), draft, places[part])]
        else:
            drafts[part] = yield from _withoutImages(result, own, places[part])
    for draft in [draft for part in ofPart for draft in drafts[part]]:
        ResultScene.refuseOtherTimes(draft.draft, draft.request)
    onCommit()
    keepsEarlier = bool(parameterNode.GetAttribute(ADD))
    if not keepsEarlier:
        for earlier in _replacedBy(request):
            yield from removeSteps(earlier)
    browsers: list[Any] = [None] * len(result.slices)
    scenes = []
    for part, own in ofPart.items():
        for draft in drafts[part]:
            scenes.append(draft.show())
            for k in draft.slices:
                browsers[own[k]] = scenes[-1].browserNode
            yield
    name = _freeName(request.name) if keepsEarlier else request.name
    node = ResultNode.create(numbers, browsers, name, scenes)
    LongAxisKeeper.addTo(node.node, result.long_axis, request.longAxis, name)
    ResultContours.keep(node, list(request.parts))
    yield
    ResultProvenance(node).keep()
    yield
    return node


def _addAlone(result: Any, request: HeartRequest, parameterNode: Any) -> LongAxisNode:
    """Add a StoredLongAxis: to the current result if that is of the same heart, otherwise in its place."""
    alone = LongAxisKeeper.add(result, request.longAxis, request.name)
    current = ResultNode.ofBrowser(parameterNode.GetNodeReference(_CURRENT))
    if current is not None and _isOfHeart(current, parameterNode):
        _join(current, alone)
    else:
        parameterNode.SetNodeReferenceID(_CURRENT, None)
    return alone


def _join(node: ResultNode, alone: LongAxisNode) -> None:
    """Make long-axis views that were measured alone the long-axis part of a result of the same heart."""
    LongAxisKeeper.removeOf(node.node)
    node.node.SetNodeReferenceID(LongAxisNode.OF_RESULT, alone.node.GetID())
    numbers = node.numbers()
    # notes on levels remain: they describe the short-axis slices as they were predicted
    kept = [n for n in numbers.notes if not n.code.startswith("long_axis_") and not n.source.startswith("long_axis")]
    summary, notes = {**numbers.summary, "long_axis": alone.summary}, (*kept, *alone.notes())
    node.setNumbers(replace(numbers, summary=summary, notes=notes))


def _isOfHeart(node: ResultNode, parameterNode: Any) -> bool:
    """Whether a result is on a cine or of masks that the table lists."""
    shown = {browser.GetID() for browser in node.browsers() if browser is not None}
    return bool((shown | set(ResultContours.masksIds(node))) & _heartOf(parameterNode))


def _heartOf(parameterNode: Any) -> set[str]:
    """IDs of the cines and masks that the table lists, used or not."""
    nodes = (node for series in HeartRecord(parameterNode).series() for node in (series.cine, series.masks))
    return {node.GetID() for node in nodes if node is not None}


def _ownerOf(slice_: Any, request: HeartRequest) -> PredictionRequest:
    for part in request.parts:
        try:
            part.masks.geometry.sliceIndexOf(slice_.grid.ijk_to_lps)
        except ValueError:
            continue
        return part
    raise ValueError(_("a slice of it belongs to none of the series"))


def _fieldsOf(result: Any, own: list[int], part: PredictionRequest) -> tuple[ResultStack, SpatialFields] | None:
    """The slices `own` and their fields, or None if they were resampled to other phases than those of their images.

    Raises:
        ValueError: they do not fit the series.
    """
    if result.frames != len(part.masks.labels):
        return None
    stack = ResultStack.of(result, own)
    return stack, SpatialFields(stack, part.masks.geometry)


def _withoutImages(result: Any, own: list[int], place: PredictionRequest) -> Steps:
    """The drafts of the slices `own`, resampled to other phases than their images, which are not shown."""
    summary = {**result.summary, "slices": [result.summary["slices"][k] for k in own]}
    ownResult = replace(result, slices=tuple(result.slices[k] for k in own), summary=summary)
    numbers = yield lambda: ResultNumbers.ofResult(ownResult)
    return (yield from ResultImport.draftSteps(ownResult, numbers, place.name))


def placeFor(request: PredictionRequest, parameterNode: Any) -> PredictionRequest:
    """The request; with its own browser and name if an earlier result on its cine is kept."""
    cine = slicer.mrmlScene.GetNodeByID(request.cineNodeId) if request.cineNodeId else None
    earlier = ResultNode.ofBrowser(cine)
    if earlier is None or not parameterNode.GetAttribute(ADD):
        return request
    return replace(request, cineNodeId=None, name=uniqueName(request.name))


def _freeName(name: str) -> str:
    """The name, with a number if another result has it."""
    taken = {earlier.name for earlier in ResultNode.all()}
    numbered = (f"{name} {number}" for number in count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def _replacedBy(request: HeartRequest) -> list[ResultNode]:
    """The results that the new one replaces: on one of its cines, or of exactly its masks."""
    cines = {part.cineNodeId for part in request.parts} - {None}
    masks = {part.masksNodeId for part in request.parts} - {None}
    found = []
    for earlier in ResultNode.all():
        shown = {browser.GetID() for browser in earlier.browsers() if browser is not None}
        if shown & cines or (masks and set(ResultContours.masksIds(earlier)) == masks):
            found.append(earlier)
    return found


def remove(earlier: ResultNode) -> None:
    """Remove a result from the scene, with the browsers that LaMoD made for it; cines of the user remain."""
    completed(removeSteps(earlier))


def removeSteps(earlier: ResultNode) -> Steps:
    """As `remove`, in one step per series."""
    for browser in dict.fromkeys(filter(None, earlier.browsers())):
        scene = ResultScene(browser)
        own = scene.sequence(ResultScene.MASKS)
        scene.remove()
        if own is not None:
            proxy = browser.GetProxyNode(own)
            extras = (*scene.belongings(proxy), *scene.belongings(own))
            scene.removeNodes(browser, own, proxy, *extras)  # the browser would make the proxy again
        yield None
    LongAxisKeeper.removeOf(earlier.node)
    if earlier.node.GetScene() is not None:
        slicer.mrmlScene.RemoveNode(earlier.node)
