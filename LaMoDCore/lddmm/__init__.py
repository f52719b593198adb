"""Large deformation diffeomorphic metric mapping: fluid metric, geodesic shooting, warping and registration."""

from LaMoDCore.lddmm.epdiff import GeodesicPath, Shot, shoot
from LaMoDCore.lddmm.matching import Match, carry, match, match_cycle
from LaMoDCore.lddmm.metric import FluidMetric
from LaMoDCore.lddmm.warp import carry_mask, compose, sample_displacement, warp_image

__all__ = [
    "FluidMetric",
    "GeodesicPath",
    "Match",
    "Shot",
    "carry",
    "carry_mask",
    "compose",
    "match",
    "match_cycle",
    "sample_displacement",
    "shoot",
    "warp_image",
]
