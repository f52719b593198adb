from collections.abc import Sequence
from typing import Any, ClassVar

import slicer

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Scene import RoleNodes


class ResultNode:
    """A result in the scene: a text node with its numbers and references to the sequence browsers that show it.

    Args:
        node: vtkMRMLTextNode with the role `ROLE`.
        scenes: ResultScene objects that were just made and have their motion; empty for a result that was found.
    """

    ROLE, BROWSER = "reading", "LaMoD.Browser"
    _cache: ClassVar[dict[tuple[str, int], ResultNumbers]] = {}

    def __init__(self, node: Any, scenes: Sequence[Any] = ()) -> None:
        self.node, self.scenes = node, tuple(scenes)

    @classmethod
    def create(
        cls, numbers: ResultNumbers, browserNodes: list[Any], name: str, scenes: Sequence[Any] = ()
    ) -> "ResultNode":
        """Add the numbers of a result to the scene; they replace earlier ones of the same browsers.

        Args:
            numbers: of the result.
            browserNodes: one per slice: the browser with its images.
            name: of the result.
            scenes: as of the constructor.
        """
        for browser in browserNodes:
            earlier = cls.ofBrowser(browser)
            if earlier is not None:
                slicer.mrmlScene.RemoveNode(earlier.node)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", f"{name} numbers")
        node.SetAttribute(RoleNodes.ATTRIBUTE, cls.ROLE)
        node.SetAttribute("LaMoD.Name", name)
        node.SetForceCreateStorageNode(True)
        node.SetText(numbers.toText())
        for k, browser in enumerate(browserNodes):
            node.SetNthNodeReferenceID(cls.BROWSER, k, browser.GetID())
        return cls(node, scenes)

    @classmethod
    def all(cls) -> list["ResultNode"]:
        """Every result of the scene."""
        return [cls(node) for node in RoleNodes.all("vtkMRMLTextNode", cls.ROLE)]

    @classmethod
    def ofBrowser(cls, browserNode: Any) -> "ResultNode | None":
        """The result that a browser shows, or None."""
        if browserNode is not None:
            for found in cls.all():
                if browserNode in found.browsers():
                    return found
        return None

    def numbers(self) -> ResultNumbers:
        """The numbers of the result.

        Raises:
            ValueError, KeyError: the text of the node is damaged.
        """
        key = (self.node.GetID(), self.node.GetMTime())
        if key not in self._cache:
            self._cache.clear() if len(self._cache) > 8 else None
            self._cache[key] = ResultNumbers.fromText(self.node.GetText())
        return self._cache[key]

    def setNumbers(self, numbers: ResultNumbers) -> None:
        """Replace the numbers of the result."""
        self.node.SetText(numbers.toText())

    @property
    def name(self) -> str:
        return self.node.GetAttribute("LaMoD.Name") or self.node.GetName()

    def browsers(self) -> list[Any]:
        """One per slice; None for a browser that was removed."""
        count = self.node.GetNumberOfNodeReferences(self.BROWSER)
        return [self.node.GetNthNodeReference(self.BROWSER, k) for k in range(count)]

    def remembered(self, what: str, default: str = "") -> str:
        """A setting of the reading room for this result, saved with the scene."""
        return self.node.GetAttribute(f"LaMoD.{what}") or default

    def remember(self, what: str, value: str) -> None:
        if self.remembered(what) != value:
            wasModifying = self.node.StartModify()
            self.node.SetAttribute(f"LaMoD.{what}", value)
            self.node.EndModify(wasModifying)
