import json
from typing import Any

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries


class HeartRecord:
    """The series of the heart and what a person decided about them, stored in the parameter node.

    They are saved with the scene, and end with it.

    Args:
        node: the module's parameter node in the scene.
    """

    ATTRIBUTE = "LaMoD.Heart"
    #: Role of the nodes that a person removed from the table: they are not added again.
    DISMISSED = "LaMoD.Dismissed"
    _CINE, _MASKS = "LaMoD.Cine{number}", "LaMoD.Masks{number}"

    def __init__(self, node: Any) -> None:
        self._node = node

    @property
    def text(self) -> str:
        """What is stored, apart from the nodes: it changes when a scene is loaded."""
        return str(self._node.GetAttribute(self.ATTRIBUTE) or "")

    def series(self) -> list[HeartSeries]:
        """The stored series; nodes that left the scene are None, and series without any node are left out."""
        found = []
        for number, stored in enumerate(self._content().get("series", [])):
            cine = self._node.GetNodeReference(self._CINE.format(number=number))
            masks = self._node.GetNodeReference(self._MASKS.format(number=number))
            if cine is not None or masks is not None:
                found.append(self._series(cine, masks, stored))
        return found

    @staticmethod
    def _series(cine: Any, masks: Any, stored: dict[str, Any]) -> HeartSeries:
        try:
            levels = {int(k): str(level) for k, level in stored["levels"].items()}
            uses = {int(k): bool(used) for k, used in stored["uses"].items()}
            return HeartSeries(cine, masks, str(stored["myocardium"]), levels, uses)
        except (KeyError, ValueError, TypeError, AttributeError):  # written by another version
            return HeartSeries(cine, masks)

    @property
    def selected(self) -> tuple[int, int]:
        """(index of the series, index of the slice in its volume) of the selected row; (-1, 0) if there is none."""
        stored = self._content().get("selected")
        isPair = isinstance(stored, list) and len(stored) == 2 and all(isinstance(v, int) for v in stored)
        return (stored[0], stored[1]) if isPair else (-1, 0)

    def _content(self) -> dict[str, Any]:
        from LaMoDCore.runtime.json_file import parse_json

        try:
            content = parse_json(self.text or "{}")
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def keep(self, series: list[HeartSeries], selected: tuple[int, int]) -> None:
        """Store the series, if they differ from the stored ones."""
        content = {
            "series": [{"myocardium": s.myocardium, "levels": s.levels, "uses": s.uses} for s in series],
            "selected": list(selected),
        }
        text, before = json.dumps(content), len(self._content().get("series", []))
        wasModifying = self._node.StartModify()
        for number in range(max(before, len(series))):
            one = series[number] if number < len(series) else HeartSeries()
            for role, node in ((self._CINE, one.cine), (self._MASKS, one.masks)):
                self._refer(role.format(number=number), node)
        if self.text != text:
            self._node.SetAttribute(self.ATTRIBUTE, text)
        self._node.EndModify(wasModifying)

    def _refer(self, role: str, node: Any) -> None:
        wanted = node.GetID() if node is not None else None
        if self._node.GetNodeReferenceID(role) != wanted:
            self._node.SetNodeReferenceID(role, wanted)

    def dismissed(self) -> set[str]:
        """IDs of the nodes that a person removed."""
        count = self._node.GetNumberOfNodeReferences(self.DISMISSED)
        nodes = [self._node.GetNthNodeReference(self.DISMISSED, i) for i in range(count)]
        return {node.GetID() for node in nodes if node is not None}

    def dismissedAfter(self, node: Any) -> Any:
        """The node that was removed directly after another one, or None."""
        count = self._node.GetNumberOfNodeReferences(self.DISMISSED)
        ids = [self._node.GetNthNodeReferenceID(self.DISMISSED, i) for i in range(count)]
        following = ids.index(node.GetID()) + 1 if node.GetID() in ids else count
        return self._node.GetNthNodeReference(self.DISMISSED, following) if following < count else None

    def dismiss(self, node: Any) -> None:
        """Do not add a node again by itself."""
        if node is not None and node.GetID() not in self.dismissed():
            self._node.AddNodeReferenceID(self.DISMISSED, node.GetID())

    def welcome(self, node: Any) -> None:
        """Undo `dismiss`, because a person selected the node."""
        if node is None:
            return
        for i in reversed(range(self._node.GetNumberOfNodeReferences(self.DISMISSED))):
            if self._node.GetNthNodeReferenceID(self.DISMISSED, i) == node.GetID():
                self._node.RemoveNthNodeReferenceID(self.DISMISSED, i)
