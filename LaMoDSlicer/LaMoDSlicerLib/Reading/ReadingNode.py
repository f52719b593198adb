from typing import Any, ClassVar

import slicer

from LaMoDSlicerLib.Reading.Reading import Reading
from LaMoDSlicerLib.Scene import RoleNodes


class ReadingNode:
    """A result's numbers in the scene: a text node that knows the sequence browsers that show the result.

    Args:
        node: vtkMRMLTextNode of the role "reading".
    """

    ROLE, BROWSER = "reading", "LaMoD.Browser"
    _cache: ClassVar[dict[tuple[str, int], Reading]] = {}

    def __init__(self, node: Any) -> None:
        self.node = node

    @classmethod
    def create(cls, reading: Reading, browserNodes: list[Any], name: str) -> "ReadingNode":
        """Put the numbers into the scene, in the place of earlier ones of the same browsers.

        Args:
            reading: what to keep.
            browserNodes: one a slice of the reading: where its pictures are.
            name: of the result.
        """
        for browser in browserNodes:
            earlier = cls.ofBrowser(browser)
            if earlier is not None:
                slicer.mrmlScene.RemoveNode(earlier.node)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", f"{name} numbers")
        node.SetAttribute(RoleNodes.ATTRIBUTE, cls.ROLE)
        node.SetAttribute("LaMoD.Name", name)
        node.SetForceCreateStorageNode(True)
        node.SetText(reading.toText())
        for k, browser in enumerate(browserNodes):
            node.SetNthNodeReferenceID(cls.BROWSER, k, browser.GetID())
        return cls(node)

    @classmethod
    def all(cls) -> list["ReadingNode"]:
        """Every result of the scene."""
        nodes = slicer.util.getNodesByClass("vtkMRMLTextNode")
        return [cls(node) for node in nodes if node.GetAttribute(RoleNodes.ATTRIBUTE) == cls.ROLE]

    @classmethod
    def ofBrowser(cls, browserNode: Any) -> "ReadingNode | None":
        """The result that a browser shows, or None."""
        if browserNode is not None:
            for found in cls.all():
                if browserNode in found.browsers():
                    return found
        return None

    def reading(self) -> Reading:
        """Raises:
        ValueError, KeyError: the text is no reading.
        """
        key = (self.node.GetID(), self.node.GetMTime())
        if key not in self._cache:
            self._cache.clear() if len(self._cache) > 8 else None
            self._cache[key] = Reading.fromText(self.node.GetText())
        return self._cache[key]

    @property
    def name(self) -> str:
        return self.node.GetAttribute("LaMoD.Name") or self.node.GetName()

    def browsers(self) -> list[Any]:
        """One a slice of the reading; None where it is gone."""
        count = self.node.GetNumberOfNodeReferences(self.BROWSER)
        return [self.node.GetNthNodeReference(self.BROWSER, k) for k in range(count)]

    def remembered(self, what: str, default: str = "") -> str:
        """What the person last looked at; kept with the scene."""
        return self.node.GetAttribute(f"LaMoD.{what}") or default

    def remember(self, what: str, value: str) -> None:
        if self.remembered(what) != value:
            wasModifying = self.node.StartModify()
            self.node.SetAttribute(f"LaMoD.{what}", value)
            self.node.EndModify(wasModifying)
