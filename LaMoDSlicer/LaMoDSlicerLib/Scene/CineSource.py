from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Scene.FrameSequence import FrameSequence
from LaMoDSlicerLib.Scene.VolumeGeometry import VolumeGeometry


def refuseTransform(node: Any) -> None:
    """Refuse images and masks below a transform: their voxels would be used where the transform does not put them.

    Raises:
        InputError: the node has a parent transform.
    """
    if node.GetParentTransformNode() is not None:
        text = _("“{name}” is moved by the transform “{transform}”: harden the transform or remove it first.")
        raise InputError(text.format(name=node.GetName(), transform=node.GetParentTransformNode().GetName()))


class CineSource:
    """The images of a cine: a sequence browser, or a volume with one component per frame.

    Args:
        node: vtkMRMLSequenceBrowserNode or vtkMRMLVectorVolumeNode.
    """

    def __init__(self, node: Any) -> None:
        self.node = node

    @property
    def isBrowser(self) -> bool:
        return self.node.IsA("vtkMRMLSequenceBrowserNode")

    def volumeNode(self) -> Any:
        """The volume that the slice views show.

        Raises:
            InputError: the browser has no image volume.
        """
        if not self.isBrowser:
            return self.node
        proxies = vtk.vtkCollection()
        self.node.GetAllProxyNodes(proxies)
        volumes = [proxies.GetItemAsObject(i) for i in range(proxies.GetNumberOfItems())]
        for volume in volumes:
            isImage = volume.IsA("vtkMRMLScalarVolumeNode") and not volume.IsA("vtkMRMLLabelMapVolumeNode")
            if isImage and volume.GetAttribute("LaMoD.Role") is None and volume.GetImageData() is not None:
                return volume
        text = _("“{name}” contains no images: select the sequence browser of the cine.")
        raise InputError(text.format(name=self.node.GetName()))

    def numberOfFrames(self) -> int:
        if self.isBrowser:
            return self.node.GetNumberOfItems()
        return self.node.GetImageData().GetNumberOfScalarComponents() if self.node.GetImageData() else 0

    def geometry(self) -> VolumeGeometry:
        return VolumeGeometry.ofVolume(self.volumeNode())

    def frames(self) -> np.ndarray:
        """[T, Z, H, W]."""
        if not self.isBrowser:
            return np.moveaxis(slicer.util.arrayFromVolume(self.node), -1, 0)
        return np.stack([slicer.util.arrayFromVolume(frame) for frame in FrameSequence(self.volumeNode()).frames()])

    def indexValues(self) -> tuple[str, ...]:
        if self.isBrowser:
            return FrameSequence(self.volumeNode()).indexValues()
        return tuple(str(i) for i in range(self.numberOfFrames()))

    def timesMs(self) -> np.ndarray | None:
        return FrameSequence(self.volumeNode()).timesMs() if self.isBrowser else None

    @property
    def rrMs(self) -> float | None:
        """Length of the cardiac cycle in the file of the images, or None."""
        return FrameSequence(self.volumeNode()).rrMs if self.isBrowser else None

    def check(self) -> None:
        """Validate the cine.

        Raises:
            InputError: the node is not a cine.
        """
        if self.numberOfFrames() < 2:
            text = _(
                "“{name}” has one frame: select a cine with several frames of the cardiac cycle, or “None” to predict "
                "from the masks alone."
            )
            raise InputError(text.format(name=self.node.GetName()))
        refuseTransform(self.volumeNode())
