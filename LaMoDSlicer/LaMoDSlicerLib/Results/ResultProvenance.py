import json
from typing import Any

import slicer
import vtk

from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline
from LaMoDSlicerLib.Results.ResultNode import ResultNode
from LaMoDSlicerLib.Results.ResultScene import ResultScene
from LaMoDSlicerLib.Scene import RoleNodes


class ResultProvenance:
    """The folder of a result in the subject hierarchy and its provenance.

    Args:
        node: the result.
    """

    ATTRIBUTE = "LaMoD.Provenance"

    def __init__(self, node: ResultNode) -> None:
        self._node = node
        self._hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)

    def keep(self) -> int:
        """Move the result's nodes into a folder next to the cine, below its patient; returns the folder's item."""
        hierarchy = self._hierarchy
        cine = self._cineItem()
        parent = hierarchy.GetItemParent(cine) if cine else hierarchy.GetSceneItemID()
        folder = self._folder() or hierarchy.CreateFolderItem(parent, f"{self._node.name} strain")
        hierarchy.SetItemAttribute(folder, RoleNodes.ATTRIBUTE, self._node.node.GetID())
        for key, value in self.facts().items():
            hierarchy.SetItemAttribute(folder, f"LaMoD.{key}", value)
        self._node.node.SetAttribute(self.ATTRIBUTE, json.dumps(self.facts()))
        for node in self._nodes():
            item = hierarchy.GetItemByDataNode(node)
            if item:
                hierarchy.SetItemParent(item, folder)
            else:
                hierarchy.CreateItem(folder, node)
        return folder

    def facts(self) -> dict[str, str]:
        """Model, settings and input hashes as text, without patient data."""
        summary = self._node.numbers().summary
        provenance = summary.get("provenance", {})
        wanted = (
            "lamod_version",
            "model",
            "model_sha256",
            "device",
            "seed",
            "diffusion",
            "sampler",
            "steps",
            "samples",
        )
        facts = {key: str(provenance[key]) for key in wanted if provenance.get(key) is not None}
        contours = ResultHeadline(self._node.numbers()).contours()
        if contours:
            facts["contours"] = f"{contours} {provenance['contours']['licence']}"
            facts["contour_engine_sha256"] = str(provenance["contours"]["engine_sha256"])
        hashes = [str(record.get("sha256", "")) for record in provenance.get("inputs", [])]
        if any(hashes):
            facts["inputs_sha256"] = ", ".join(filter(None, hashes))
        return facts

    def _cineItem(self) -> int:
        for browser in filter(None, self._node.browsers()):
            background = ResultScene(browser).background()
            item = self._hierarchy.GetItemByDataNode(background) if background is not None else 0
            if item:
                return item
        return 0

    def _folder(self) -> int:
        """The existing folder of the result, or 0."""
        items = vtk.vtkIdList()
        self._hierarchy.GetItemChildren(self._hierarchy.GetSceneItemID(), items, True)
        for i in range(items.GetNumberOfIds()):
            if self._hierarchy.GetItemAttribute(items.GetId(i), RoleNodes.ATTRIBUTE) == self._node.node.GetID():
                return items.GetId(i)
        return 0

    def _nodes(self) -> list[Any]:
        nodes = [self._node.node]
        for browser in dict.fromkeys(filter(None, self._node.browsers())):
            result = ResultScene(browser)
            nodes += [result.proxy(role) for role in ResultScene.ROLES]
        return [node for node in nodes if node is not None]
