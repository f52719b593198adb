import json
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import slicer

from LaMoDSlicerLib.Scene import RoleNodes
from LaMoDSlicerLib.Scene.CineSource import CineSource


@dataclass(frozen=True, eq=False)
class MeasuredView:
    """One view of a long-axis result. T frames, P points per line.

    Attributes:
        view: as LaMoDCore names it; None where it is not known.
        linesLps: endocardial, mid_wall, epicardial: [T, P, 3] mm.
        annulusLps: [T, 2, 3] mm.
        ijkToLps: [4, 4] of the slice.
        shape: (H, W) of its images.
        numbers: the view's entry of strain.json.
    """

    view: str | None
    linesLps: dict[str, np.ndarray]
    annulusLps: np.ndarray
    ijkToLps: np.ndarray
    shape: tuple[int, int]
    numbers: dict[str, Any]

    @property
    def timesMs(self) -> np.ndarray:
        return np.array(self.numbers["frame_times_ms"], float)

    @property
    def referenceFrame(self) -> int:
        return int(self.numbers["reference_frame"])

    def phases(self) -> np.ndarray:
        """[T]: phases since end-diastole, fractions of the cycle."""
        since = self.timesMs - self.timesMs[self.referenceFrame]
        return np.mod(since / float(self.numbers["rr_ms"]), 1.0)

    def wallStrains(self) -> np.ndarray:
        """[T, 2]: mid-wall strain of both walls, fractions."""
        steps = np.linalg.norm(np.diff(self.linesLps["mid_wall"], axis=1), axis=-1)
        half = steps.shape[1] // 2
        lengths = np.stack([steps[:, :half].sum(axis=1), steps[:, half:].sum(axis=1)], axis=1)
        return np.asarray(lengths / lengths[self.referenceFrame] - 1.0)


class LongAxisNode:
    """Longitudinal strain in the scene: a text node with numbers, lines and the hashes of the contours.

    Args:
        node: vtkMRMLTextNode with the role `ROLE`.
    """

    ROLE = "longAxisResult"
    #: Reference of a ResultNode's node to its long-axis part.
    OF_RESULT = "LaMoD.LongAxis"
    _BROWSER, _CINE, _MASKS = "LaMoD.LongAxisBrowser{n}", "LaMoD.LongAxisCine{n}", "LaMoD.LongAxisMasks{n}"
    _DIGESTS = "LaMoD.LongAxisDigests"
    _cache: ClassVar[dict[tuple[str, int], tuple[dict[str, Any], list[MeasuredView]]]] = {}

    def __init__(self, node: Any) -> None:
        self.node = node

    @classmethod
    def create(cls, stored: Any, request: Any, name: str, isAlone: bool = True) -> "LongAxisNode":
        """Add the long-axis part of a result to the scene.

        Args:
            stored: LaMoDCore StoredLongAxis.
            request: the LongAxisRequest that it answers, or None for a result of another scene.
            name: of the result.
            isAlone: whether all notes of the result are about these views, because there are no short-axis slices.
        """
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", f"{name} longitudinal strain")
        node.SetAttribute(RoleNodes.ATTRIBUTE, cls.ROLE)
        node.SetAttribute("LaMoD.Name", name)
        node.SetForceCreateStorageNode(True)
        node.SetText(json.dumps(_content(stored, isAlone), allow_nan=False))
        parts = request.parts if request is not None else ()
        node.SetAttribute(cls._DIGESTS, json.dumps([part.digest for part in parts]))
        for n, part in enumerate(parts):
            browser = part.slice.browser
            ids = (browser.GetID() if browser is not None else None, *(each or None for each in part.nodeIds))
            for role, nodeId in zip((cls._BROWSER, cls._CINE, cls._MASKS), ids, strict=True):
                if nodeId is not None and slicer.mrmlScene.GetNodeByID(nodeId) is not None:
                    node.SetNodeReferenceID(role.format(n=n), nodeId)
        return cls(node)

    @classmethod
    def all(cls) -> list["LongAxisNode"]:
        """Every long-axis result of the scene."""
        return [cls(node) for node in RoleNodes.all("vtkMRMLTextNode", cls.ROLE)]

    @classmethod
    def ofResult(cls, resultNode: Any) -> "LongAxisNode | None":
        """The long-axis part of a result, or None.

        Args:
            resultNode: text node of a ResultNode; None for the last one that was measured alone.
        """
        if resultNode is not None:
            found = resultNode.GetNodeReference(cls.OF_RESULT)
            return cls(found) if found is not None else None
        alone = cls.alone()
        return alone[-1] if alone else None

    @classmethod
    def alone(cls) -> list["LongAxisNode"]:
        """Those that were measured without short-axis slices."""
        texts = slicer.util.getNodesByClass("vtkMRMLTextNode")
        owned = {node.GetNodeReferenceID(cls.OF_RESULT) for node in texts}
        return [each for each in cls.all() if each.node.GetID() not in owned]

    @property
    def name(self) -> str:
        return str(self.node.GetAttribute("LaMoD.Name") or self.node.GetName())

    def _content(self) -> tuple[dict[str, Any], list[MeasuredView]]:
        key = (self.node.GetID(), self.node.GetMTime())
        if key not in self._cache:
            from LaMoDCore.runtime.json_file import parse_json

            content = parse_json(self.node.GetText())
            if len(self._cache) > 8:
                self._cache.clear()
            self._cache[key] = (content, [_view(each) for each in content["views"]])
        return self._cache[key]

    @property
    def summary(self) -> dict[str, Any]:
        """``long_axis`` of strain.json.

        Raises:
            ValueError, KeyError: the text of the node is damaged.
        """
        return dict(self._content()[0]["summary"])

    def views(self) -> list[MeasuredView]:
        """Its views; raises as `summary`."""
        return self._content()[1]

    def notes(self) -> tuple[Any, ...]:
        """LaMoDCore Note objects on the views; raises as `summary`."""
        from LaMoDCore.heart.notes import Note

        return tuple(Note.from_dict(each) for each in self._content()[0]["notes"])

    def browsers(self) -> list[Any]:
        """One per view; None where the scene has none."""
        return [self.node.GetNodeReference(self._BROWSER.format(n=n)) for n in range(len(self.views()))]

    def cines(self) -> list[Any]:
        """One node with images per view; None where the scene has none."""
        return [self.node.GetNodeReference(self._CINE.format(n=n)) for n in range(len(self.views()))]

    def volumes(self) -> list[Any]:
        """The displayed volume of each view's cine; None without one."""
        return [CineSource(cine).volumeNode() if cine is not None else None for cine in self.cines()]

    def linked(self) -> list[tuple[Any, np.ndarray]]:
        """Each browser with its phases [T], to keep them in step."""
        pairs = zip(self.browsers(), self.views(), strict=True)
        return [(browser, view.phases()) for browser, view in pairs if browser is not None]

    def viewOf(self, one: Any) -> MeasuredView | None:
        """The view of a LongAxisSlice: the one with its plane and frames, or None."""
        for view in self.views() if one.geometry is not None else ():
            isSame = view.shape == one.geometry.shape[1:] and len(view.timesMs) == one.frames
            affine = one.geometry.sliceIjkToLps(one.depth)
            isSame = isSame and np.allclose(view.ijkToLps[:3, :2], affine[:3, :2], atol=1e-2)
            if isSame and np.allclose(view.ijkToLps[:3, 3], affine[:3, 3], atol=0.1):
                return view
        return None

    def storedDigests(self) -> list[tuple[tuple[str, str], str]]:
        """(IDs of cine and masks, hash) of each slice at the time of the measurement."""
        digests = json.loads(self.node.GetAttribute(self._DIGESTS) or "[]")
        roles = ((self._CINE, self._MASKS) for _digest in digests)
        ids = [
            tuple(self.node.GetNodeReferenceID(role.format(n=n)) or "" for role in pair) for n, pair in enumerate(roles)
        ]
        return [((pair[0], pair[1]), digest) for pair, digest in zip(ids, digests, strict=True)]


def _content(stored: Any, isAlone: bool) -> dict[str, Any]:
    from LaMoDCore.heart.notes import concerns_long_axis

    # next to short-axis slices, the files of a request are named so; see LongAxisRequest
    own = [n for n in stored.notes if isAlone or concerns_long_axis(n) or n.source.startswith("long_axis")]
    return {
        "version": 1,
        "summary": stored.summary,
        "notes": [note.to_dict() for note in own],
        "views": [
            {
                "view": view.kind,
                "lines": {name: np.round(line, 3).tolist() for name, line in view.lines_lps.items()},
                "annulus": np.round(view.annulus_lps, 3).tolist(),
                "ijkToLps": view.grid.ijk_to_lps.tolist(),
                "shape": list(view.grid.shape),
                "numbers": view.numbers,
            }
            for view in stored.views
        ],
    }


def _view(stored: dict[str, Any]) -> MeasuredView:
    height, width = stored["shape"]
    return MeasuredView(
        view=stored["view"],
        linesLps={name: np.array(line, float) for name, line in stored["lines"].items()},
        annulusLps=np.array(stored["annulus"], float),
        ijkToLps=np.array(stored["ijkToLps"], float),
        shape=(int(height), int(width)),
        numbers=stored["numbers"],
    )
