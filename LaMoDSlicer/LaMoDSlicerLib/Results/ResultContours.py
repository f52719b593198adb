"""Compares a result with the masks it was predicted from, which may change or be reviewed afterwards."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from LaMoDSlicerLib.Heart.HeartRecord import HeartRecord
from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource
from LaMoDSlicerLib.LongAxis import LongAxisKeeper
from LaMoDSlicerLib.LongAxis.LongAxisNode import LongAxisNode
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance
from LaMoDSlicerLib.Widgets import Numbering

_MASKS, _CONTOURS = "LaMoD.Masks", "LaMoD.Contours"
#: References: the cines of the masks, in any order.
_CINES = "LaMoD.MaskCine"
#: Attribute: number of the masks. Slicer may drop the references to nodes that were removed.
_COUNT = "LaMoD.MaskCount"
#: Attribute: structures of each of the masks, and the slices of its fingerprint that were not used.
_READ = "LaMoD.MaskReading"
#: Attribute: numbers of the result's slices that belong to each of the masks.
_SLICES = "LaMoD.MaskSlices"
#: Attribute: the notes about automatic contours before these were reviewed.
_BEFORE_REVIEW = "LaMoD.NotesBeforeReview"
_AUTOMATIC = ("contours_automatic", "contours_unsure")


def keep(result: ResultNode, requests: list[Any]) -> None:
    """Store the masks of the PredictionRequests with the result, and which frames were carried or drawn automatically.

    The contours at the time of the prediction are stored as hashes, to find out whether they changed.
    """
    known = [r for r in requests if r.masksNodeId and slicer.mrmlScene.GetNodeByID(r.masksNodeId) is not None]
    for number, request in enumerate(known):
        result.node.SetNthNodeReferenceID(_MASKS, number, request.masksNodeId)
    result.node.SetAttribute(_COUNT, str(sum(bool(r.masksNodeId) for r in requests)))
    cines = [r.cineNodeId for r in known if r.cineNodeId and slicer.mrmlScene.GetNodeByID(r.cineNodeId) is not None]
    for number, cine in enumerate(dict.fromkeys(cines)):
        result.node.SetNthNodeReferenceID(_CINES, number, cine)
    result.node.SetAttribute(_CONTOURS, json.dumps([r.fingerprint.toDict() for r in known]))
    reading = [{"structures": r.structures, "unused": _unused(r)} for r in known]
    result.node.SetAttribute(_READ, json.dumps(reading))
    numbers = result.numbers()
    places = [{number: depth for depth, number in _slicesOf(r, numbers).items()} for r in known]
    result.node.SetAttribute(_SLICES, json.dumps([sorted(place) for place in places]))
    notes = list(numbers.notes)
    for request, place in zip(known, places, strict=True):
        for number, depth in place.items():
            notes = _withFrames(notes, request, number, depth)
    if tuple(notes) != numbers.notes:
        result.setNumbers(replace(numbers, notes=tuple(notes)))


def _unused(request: Any) -> list[int]:
    """Slices of the fingerprint with contours that the request leaves out."""
    own, grid, labels = request.fingerprint, request.masks.geometry, request.masks.labels
    used = [k for k in range(labels.shape[1]) if labels[:, k].any()]
    unused = []
    for z in own.drawnSlices():
        center = own.geometry.ijkToLps @ [(own.geometry.shape[2] - 1) / 2, (own.geometry.shape[1] - 1) / 2, z, 1.0]
        if int(np.rint(np.linalg.solve(grid.ijkToLps, center)[2])) not in used:
            unused.append(z)
    return unused


def _slicesOf(request: Any, numbers: Any) -> dict[int, int]:
    """Index of the slice in the masks' volume -> number of the result's slice."""
    found = {}
    for slice_ in numbers.slices:
        try:
            found[request.masks.geometry.sliceIndexOf(slice_.ijkToLps)] = slice_.number
        except ValueError:  # a slice of other masks
            continue
    return found


def _withFrames(notes: list[Any], request: Any, number: int, depth: int) -> list[Any]:
    """The notes, with the carried frames of a slice, and its automatic frames if a person changed the others."""
    from LaMoDCore.heart.notes import note

    text = "The contours were carried from drawn frames with the cine."
    carried = request.masks.carried.get(depth, ())
    added = [note("contours_carried", text, slice=number, frame=t) for t in carried]
    status = request.masks.origins[depth].status if request.masks.origins else ()
    automatic = [t for t, each in enumerate(status) if each in ("automatic", "unsure")]
    if 0 < len(automatic) < len(status):
        about = [n for n in notes if n.code == "contours_automatic" and n.slice == number and n.frame is None]
        notes = [n for n in notes if n not in about]
        added += [replace(each, frame=t) for each in about for t in automatic]
    return [*notes, *added]


def framesText(result: ResultNode) -> list[str]:
    """A line for each slice with carried or automatic frames, which names the frames, counted from 1."""
    numbers = result.numbers()
    several = len(numbers.slices) > 1
    words = {
        "contours_carried": _("{frames} carried, not drawn"),
        "contours_automatic": _("{frames} drawn automatically, not reviewed"),
        "contours_unsure": _("{frames} unsure"),
    }
    lines = []
    for slice_ in numbers.slices:
        parts = []
        for code, text in words.items():
            own = [n for n in numbers.notes if n.code == code and n.slice in (slice_.number, None)]
            frames = [n.frame for n in own if n.frame is not None]
            if frames:
                parts.append(text.format(frames=Numbering.frames(frames)))
            elif own:
                parts.append(text.format(frames=_("all frames") if code != "contours_carried" else _("some frames")))
        if parts:
            name = Numbering.capitalized(Numbering.sliceName(slice_.number - 1))
            line = "; ".join(parts)
            lines.append(f"{name}: {line}." if several else f"{Numbering.capitalized(line)}.")
    return lines


def masksOf(result: ResultNode) -> list[Any]:
    """The masks from which a result was predicted, as far as they are in the scene."""
    return [each for each in _references(result) if each is not None]


def masksIds(result: ResultNode) -> list[str]:
    """IDs of `masksOf`."""
    return [each.GetID() for each in masksOf(result)]


def isOutOfDate(result: ResultNode) -> bool:
    """Whether the used contours were changed, replaced or removed, or other structures chosen, after the prediction.

    False for a result that was predicted outside this scene.
    """
    if len(masksOf(result)) < int(result.node.GetAttribute(_COUNT) or 0):
        return True
    if _isReplaced(result) or LongAxisKeeper.isOutOfDate(LongAxisNode.ofResult(result.node)):
        return True
    reading = _reading(result)
    pairs = _pairs(result)
    if len(reading) != len(pairs):  # stored by an earlier version
        reading = [({}, set())] * len(pairs)
    return any(_differs(*pair, *read) for pair, read in zip(pairs, reading, strict=True))


def outOfDateText(result: ResultNode) -> str:
    """A short remark for titles and legends with a sign; empty if the result is up to date."""
    return _("↻ out of date: contours changed") if isOutOfDate(result) else ""


def titleOf(result: ResultNode) -> str:
    """The name of a result, with `outOfDateText` if it is out of date."""
    remark = outOfDateText(result)
    return f"{result.name} ({remark})" if remark else result.name


def _record() -> HeartRecord | None:
    """The heart of the scene, or None."""
    for node in slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
        if node.GetAttribute(HeartRecord.ATTRIBUTE):
            return HeartRecord(node)
    return None


def _isReplaced(result: ResultNode) -> bool:
    """Whether other masks took the place of those of a result, and no newer result next to it shows them."""
    record = _record()
    dismissed = record.dismissed() if record is not None else set()
    if not dismissed & set(masksIds(result)):
        return False
    cines = _cinesOf(result)
    for other in ResultNode.all():
        masks = set(masksIds(other))
        if other.node is not result.node and masks and not masks & dismissed:
            theirs = _cinesOf(other)
            if cines & theirs or not cines | theirs:
                return False  # kept to compare it with the newer one
    return True


def _cinesOf(result: ResultNode) -> set[str]:
    node = result.node
    cines = [node.GetNthNodeReference(_CINES, i) for i in range(node.GetNumberOfNodeReferences(_CINES))]
    return {cine.GetID() for cine in cines if cine is not None}


def _reading(result: ResultNode) -> list[tuple[dict[str, str], set[int]]]:
    """(structures, slices of the fingerprint that were not used) of each of the masks."""
    from LaMoDCore.runtime.json_file import parse_json

    try:
        stored = parse_json(result.node.GetAttribute(_READ) or "[]")
        return [(dict(each["structures"]), {int(z) for z in each["unused"]}) for each in stored]
    except (ValueError, KeyError, TypeError):
        return []


def _differs(masksNode: Any, stored: ContourFingerprint, structures: dict[str, str], unused: set[int]) -> bool:
    try:
        changed = ContourFingerprint.of(masksNode, stored.geometry).differences(stored)
        if any(z not in unused for z, _t in changed):
            return True
        return bool(structures) and structures != _structuresNow(masksNode, structures)
    except InputError:  # emptied since
        return True


def _structuresNow(masksNode: Any, before: dict[str, str]) -> dict[str, str]:
    """The structures that a prediction would read now; a myocardium that a script chose is that of the heart."""
    record = _record()
    series = [each for each in (record.series() if record is not None else []) if each.masks is masksNode]
    chosen = series[0].myocardium if series else before.get("myocardium", "")
    return MaskSource(masksNode).structuresWith(chosen)


def _references(result: ResultNode) -> list[Any]:
    node = result.node
    return [node.GetNthNodeReference(_MASKS, i) for i in range(node.GetNumberOfNodeReferences(_MASKS))]


def _pairs(result: ResultNode) -> list[tuple[Any, ContourFingerprint]]:
    from LaMoDCore.runtime.json_file import parse_json

    try:
        content = parse_json(result.node.GetAttribute(_CONTOURS) or "[]")
        stored = [ContourFingerprint.fromDict(each) for each in content]
    except (ValueError, KeyError, TypeError):
        return []
    pairs = zip(_references(result), stored, strict=False)
    return [(each, fingerprint) for each, fingerprint in pairs if each is not None]


def markReviewed(masksNode: Any, isReviewed: bool = True) -> None:
    """State in the results of these masks whether the automatic contours are reviewed, unless they changed since."""
    for result in ResultNode.all():
        if masksNode not in masksOf(result) or isOutOfDate(result):
            continue
        slices = _numbersOf(result, masksNode)
        numbers = result.numbers()
        changed = _reviewed(result, numbers, slices) if isReviewed else _notReviewed(result, numbers, slices)
        if changed is not numbers:
            result.setNumbers(changed)
            ResultProvenance(result).keep()


def _numbersOf(result: ResultNode, masksNode: Any) -> set[int | None]:
    """Numbers of the result's slices that belong to masks; None stands for notes about all slices."""
    from LaMoDCore.runtime.json_file import parse_json

    everything: set[int | None] = {None, *(slice_.number for slice_ in result.numbers().slices)}
    if len(masksOf(result)) == 1:
        return everything
    try:
        listed = parse_json(result.node.GetAttribute(_SLICES) or "[]")
        return set(listed[_references(result).index(masksNode)])
    except (ValueError, IndexError, TypeError):
        return set()


def _reviewed(result: ResultNode, numbers: Any, slices: set[int | None]) -> Any:
    from LaMoDCore.heart.notes import note

    about = [n for n in numbers.notes if n.code in _AUTOMATIC and n.slice in slices]
    if not about:
        return numbers
    stored = _storedNotes(result)
    result.node.SetAttribute(_BEFORE_REVIEW, json.dumps([n.to_dict() for n in [*stored, *about]]))
    notes: list[Any] = []
    for each in numbers.notes:
        if each not in about:
            notes.append(each)
        elif each.code == "contours_automatic":
            text = each.text.replace("and not reviewed", "and reviewed after the prediction")
            notes.append(note("contours_reviewed", text, slice=each.slice))
    return _withNotes(numbers, list(dict.fromkeys(notes)))


def _notReviewed(result: ResultNode, numbers: Any, slices: set[int | None]) -> Any:
    """Restore the notes that `_reviewed` replaced."""
    stored = _storedNotes(result)
    back = [n for n in stored if n.slice in slices]
    if not back:
        return numbers
    rest = [n for n in stored if n not in back]
    result.node.SetAttribute(_BEFORE_REVIEW, json.dumps([n.to_dict() for n in rest]) if rest else None)
    notes = [n for n in numbers.notes if not (n.code == "contours_reviewed" and n.slice in slices)]
    return _withNotes(numbers, [*notes, *back])


def _storedNotes(result: ResultNode) -> list[Any]:
    from LaMoDCore.heart.notes import Note
    from LaMoDCore.runtime.json_file import parse_json

    try:
        return [Note.from_dict(each) for each in parse_json(result.node.GetAttribute(_BEFORE_REVIEW) or "[]")]
    except (ValueError, TypeError):
        return []


def _withNotes(numbers: Any, notes: list[Any]) -> Any:
    """The numbers with other notes; their summary states whether all contours are reviewed."""
    provenance = dict(numbers.summary.get("provenance", {}))
    if provenance.get("contours"):
        isReviewed = not any(each.code == "contours_automatic" for each in notes)
        provenance["contours"] = {**provenance["contours"], "reviewed": isReviewed}
    return replace(numbers, notes=tuple(notes), summary={**numbers.summary, "provenance": provenance})
