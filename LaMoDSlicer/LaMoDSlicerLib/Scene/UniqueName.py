"""Names of nodes."""

import slicer


def uniqueName(name: str) -> str:
    """The name, with a number if a node of the scene has it.

    `GenerateUniqueName` alone also numbers a name that only a removed node had, as after *Close scene*.
    """
    scene = slicer.mrmlScene
    return name if scene.GetFirstNodeByName(name) is None else scene.GenerateUniqueName(name)
