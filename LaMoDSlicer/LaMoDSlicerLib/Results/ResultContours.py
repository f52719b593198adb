"""Compares a result with the masks it was predicted from, which may change or be reviewed afterwards."""

import json
from dataclasses import replace
from typing import Any

import slicer

from LaMoDSlicerLib.Inputs.ContourFingerprint import ContourFingerprint
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultProvenance import ResultProvenance

_MASKS, _CONTOURS = "LaMoD.Masks", "LaMoD.Contours"


def keep(result: ResultNode, requests: list[Any]) -> None:
    """Store the masks of the PredictionRequests, and their contours at the time of the prediction, with the result."""
    known = [r for r in requests if r.masksNodeId and slicer.mrmlScene.GetNodeByID(r.masksNodeId) is not None]
    for number, request in enumerate(known):
        result.node.SetNthNodeReferenceID(_MASKS, number, request.masksNodeId)
    result.node.SetAttribute(_CONTOURS, json.dumps([r.fingerprint.toDict() for r in known]))


def isOutOfDate(result: ResultNode) -> bool:
    """Whether contours changed after the prediction; False if the scene does not contain its masks."""
    return any(_differs(masks, stored) for masks, stored in _pairs(result))


def _differs(masksNode: Any, stored: ContourFingerprint) -> bool:
    try:
        return bool(ContourFingerprint.of(masksNode, stored.geometry).differences(stored))
    except InputError:  # emptied since
        return True


def _pairs(result: ResultNode) -> list[tuple[Any, ContourFingerprint]]:
    node = result.node
    masks = [node.GetNthNodeReference(_MASKS, i) for i in range(node.GetNumberOfNodeReferences(_MASKS))]
    from LaMoDCore.runtime.json_file import parse_json

    try:
        stored = [ContourFingerprint.fromDict(each) for each in parse_json(node.GetAttribute(_CONTOURS) or "[]")]
    except (ValueError, KeyError, TypeError):
        return []
    pairs = zip(masks, stored, strict=False)
    return [(each, fingerprint) for each, fingerprint in pairs if each is not None]


def markReviewed(masksNode: Any) -> None:
    """State in the results of these masks that the automatic contours are reviewed, unless they changed since."""
    for result in ResultNode.all():
        if [masks for masks, _stored in _pairs(result)] == [masksNode] and not isOutOfDate(result):
            result.setNumbers(_reviewed(result.numbers()))
            ResultProvenance(result).keep()


def _reviewed(numbers: Any) -> Any:
    from LaMoDCore.heart.notes import note

    notes = []
    for each in numbers.notes:
        if each.code == "contours_automatic":
            text = each.text.replace("and not reviewed", "and reviewed after the prediction")
            notes.append(note("contours_reviewed", text, slice=each.slice))
        elif each.code != "contours_unsure":
            notes.append(each)
    provenance = dict(numbers.summary.get("provenance", {}))
    if provenance.get("contours"):
        provenance["contours"] = {**provenance["contours"], "reviewed": True}
    return replace(numbers, notes=tuple(notes), summary={**numbers.summary, "provenance": provenance})
