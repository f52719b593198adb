import re
from typing import Any

import numpy as np
import slicer

#: Attribute of a sequence: length of the cardiac cycle in ms, with the name that it has in .seq.nrrd files.
RR = "rr_ms"
_MS_PER_UNIT = {"ms": 1.0, "s": 1000.0}


class FrameSequence:
    """The frames of a node: of its sequence if it is a proxy node, its siblings if there is one node per frame, or
    the node alone.

    Args:
        node: a segmentation or volume node.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        self.browserNode = slicer.modules.sequences.logic().GetFirstBrowserNodeForProxyNode(node)
        self.sequenceNode = self.browserNode.GetSequenceNode(node) if self.browserNode is not None else None

    def frames(self) -> list[Any]:
        """One node per frame."""
        if self.sequenceNode is not None:
            return [self.sequenceNode.GetNthDataNode(i) for i in range(self.sequenceNode.GetNumberOfDataNodes())]
        return self._siblings()

    def _siblings(self) -> list[Any]:
        """Nodes of the same class whose names differ only in one number, sorted by that number."""
        name = self.node.GetName() or ""
        siblings: dict[int, Any] = {}
        for number in re.finditer(r"\d+", name):
            head, tail = name[: number.start()], name[number.end() :]
            pattern = re.compile(re.escape(head) + r"(\d+)" + re.escape(tail) + "$")
            found = {}
            for other in slicer.util.getNodesByClass(self.node.GetClassName()):
                match = pattern.match(other.GetName() or "")
                if match and other.GetClassName() == self.node.GetClassName():
                    found[int(match.group(1))] = other
            if len(found) > len(siblings):
                siblings = found
        return [siblings[k] for k in sorted(siblings)] if len(siblings) > 1 else [self.node]

    def indexValues(self) -> tuple[str, ...]:
        """The sequence's index value of each frame; frame numbers if there is no sequence."""
        if self.sequenceNode is None:
            return tuple(str(i) for i in range(len(self.frames())))
        return tuple(self.sequenceNode.GetNthIndexValue(i) for i in range(self.sequenceNode.GetNumberOfDataNodes()))

    @property
    def rrMs(self) -> float | None:
        """Length of the cardiac cycle in the file of the frames, or None."""
        text = self.sequenceNode.GetAttribute(RR) if self.sequenceNode is not None else None
        try:
            stored = float(text or "nan")
        except ValueError:
            return None
        return stored if np.isfinite(stored) and stored > 0 else None

    def timesMs(self) -> np.ndarray | None:
        """[T] if the sequence's index is a time, else None."""
        scale = _MS_PER_UNIT.get((self.sequenceNode.GetIndexUnit() or "").strip()) if self.sequenceNode else None
        try:
            times = np.array([float(value) for value in self.indexValues()]) * (scale or 0.0)
        except ValueError:
            return None
        return times if scale and times.size > 1 and (np.diff(times) > 0).all() else None
