from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


@dataclass(eq=False)
class HeartSeries:
    """One series of a heart: a cine, its masks, or both, with one grid and its own frame times.

    Attributes:
        cine: sequence browser or 4-D volume, or None.
        masks: segmentation or labelmap, or None.
        myocardium: segment ID or label that a script chose; empty to identify it.
        levels: levels that a person chose, by index of the slice in the volume.
        uses: whether a slice is used, where a person decided it, by the same index.
    """

    cine: Any = None
    masks: Any = None
    myocardium: str = ""
    levels: dict[int, str] = field(default_factory=dict)
    uses: dict[int, bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        node = self.cine if self.cine is not None else self.masks
        return str(node.GetName()) if node is not None else ""

    def holds(self, node: Any) -> bool:
        """Whether a node is the cine or the masks."""
        return node is not None and (node is self.cine or node is self.masks)

    def parameters(self, shared: Any) -> SimpleNamespace:
        """The parameters of a prediction of this series alone.

        Args:
            shared: the ParameterNode, for model, sampling, contour convention and RV insertion.
        """
        common = ("rvInsertion", "contourConvention", "model", "device", "samples", "seed", "useDiffusion")
        own = SimpleNamespace(cine=self.cine, masks=self.masks, myocardium=self.myocardium, level="automatic")
        own.__dict__.update({name: getattr(shared, name) for name in common})
        return own
