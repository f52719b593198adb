from typing import Any

import slicer


class RoleNodes:
    """Nodes of the scene that are found again by what they are for, also in a scene that was saved and loaded."""

    ATTRIBUTE = "LaMoD.Role"

    @classmethod
    def find(cls, className: str, role: str) -> Any:
        """The first node of a class and role, or None."""
        for node in slicer.util.getNodesByClass(className):
            if node.GetAttribute(cls.ATTRIBUTE) == role:
                return node
        return None

    @classmethod
    def get(cls, className: str, role: str, name: str, hidden: bool = False) -> Any:
        """The same, made where the scene has none."""
        node = cls.find(className, role)
        if node is None:
            node = slicer.mrmlScene.AddNewNodeByClass(className, name)
            node.SetAttribute(cls.ATTRIBUTE, role)
            node.SetHideFromEditors(hidden)
        return node
