"""Samples of one slice's motion, each computed on access.

A sample of forty frames takes as much memory as the prediction, and a ventricle has about twelve slices. Therefore only
the coefficients of each sample are stored (`heart.ring.motion_basis`, eq. 1), a few kilobytes, with the predicted
motion to which they are added. The networks, the extension beyond the wall and the resampling to the slice's own pixels
are computed once for all samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from LaMoDCore.heart.canonical import FRAMES, SIZE, SPACING_MM, CanonicalSlice, periodic_weights
from LaMoDCore.heart.cropped import Cropped, cropped, cropped_fields
from LaMoDCore.heart.geometry import Array, SliceGrid, affine_2d, vector_rotation
from LaMoDCore.heart.ring.motion_basis import RingCoordinates, added_displacement, moving_center

#: Relative motion fades to zero over this distance from the border of the canonical grid.
_BORDER_FADE_MM = 6.0


@cropped_fields("displacement_mm")
@dataclass(frozen=True, eq=False)
class MotionSamples:
    """Displacement [N, T, 2, H, W] in mm that can be indexed like an array along its first two axes.

    Attributes:
        displacement_mm: the predicted motion, float32 [T, 2, H, W] on the slice's own pixels.
        coefficients: complex64 [N, T, TERMS] at the slice's own frames.
        basis: float32 [TERMS, P] at the P pixels with relative motion.
        pixels: bool [H, W], the mask of these P pixels.
        positions: complex [P], canonical mm.
        center: complex [T, 1], canonical mm.
        to_canonical: [2, 2], rotates the slice's vectors into canonical ones.
    """

    displacement_mm: Array
    coefficients: Array
    basis: Array
    pixels: Array
    positions: Array
    center: Array
    to_canonical: Array

    def __post_init__(self) -> None:
        vars(self)["displacement_mm"] = self._predicted.covering(self.pixels)

    @property
    def _predicted(self) -> Cropped:
        return cropped(self, "displacement_mm")

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.coefficients), *self._predicted.shape)

    def __len__(self) -> int:
        return len(self.coefficients)

    def __iter__(self) -> Iterator[Array]:
        return (self._frames(number, slice(None)) for number in range(len(self)))

    def __getitem__(self, key: int | tuple[slice, int]) -> Array:
        """One sample [T, 2, H, W], or all samples of one frame, `[:, frame]`, [N, 2, H, W]."""
        if isinstance(key, tuple):
            chosen, frame = key
            return np.stack([self._frames(n, slice(frame, frame + 1))[0] for n in range(len(self))[chosen]])
        return self._frames(range(len(self))[key], slice(None))

    def at_frames(self, frames: Array) -> MotionSamples:
        """Return the samples at frames [K] only."""
        return replace(
            self,
            displacement_mm=self._predicted[frames].stored(),
            coefficients=self.coefficients[:, frames],
            center=self.center[frames],
        )

    def at_pixels(self, mask: Array) -> Array:
        """All samples at the pixels of a mask [H, W] only, float32 [N, T, 2, P]."""
        predicted = self._predicted.at(mask)
        samples = np.repeat(predicted[None], len(self), axis=0)
        moved, kept = mask[self.pixels], self.pixels[mask]
        canonical = np.einsum("ab,tbp->tap", self.to_canonical, predicted[:, :, kept])
        where = (self.positions[moved] + canonical[:, 0] - 1j * canonical[:, 1]).astype(np.complex64)
        basis = self.basis[:, moved]
        for sample, coefficients in zip(samples, self.coefficients, strict=True):
            added = added_displacement(where, self.center, coefficients, basis)
            sample[:, :, kept] += self._rotated_back(added)
        return samples

    def __array__(self, dtype: object = None, copy: bool | None = None) -> Array:
        whole = np.stack(list(self))
        return whole if dtype is None else whole.astype(dtype)  # type: ignore[call-overload]

    def _frames(self, number: int, frames: slice) -> Array:
        return self.cropped(number, frames).whole()

    def cropped(self, number: int, frames: slice = slice(None)) -> Cropped:
        """One sample at some frames, without the pixels outside the box of the predicted motion."""
        predicted_mm = self._predicted[frames]
        pixels = self.pixels[predicted_mm.rows, predicted_mm.columns]
        displacement = predicted_mm.values.copy()
        canonical = np.einsum("ab,tbp->tap", self.to_canonical, displacement[:, :, pixels])
        predicted = self.positions + canonical[:, 0] - 1j * canonical[:, 1]
        added = added_displacement(
            predicted.astype(np.complex64), self.center[frames], self.coefficients[number, frames], self.basis
        )
        displacement[:, :, pixels] += self._rotated_back(added)
        return Cropped(displacement, (predicted_mm.rows.start, predicted_mm.columns.start), predicted_mm.size)

    def _rotated_back(self, added: Array) -> Array:
        """Complex canonical vectors [T, P] -> [T, 2, P] along the slice's own axes."""
        return np.asarray(np.einsum("ba,tbp->tap", self.to_canonical, np.stack([added.real, -added.imag], axis=1)))


def expected_motion_and_samples(
    displacement_mm: Array | Cropped,
    canonical_mm: Array,
    expected: Array,
    relative: Array,
    coordinates: RingCoordinates,
    canonical: CanonicalSlice,
) -> tuple[Cropped, MotionSamples]:
    """The expected motion on a slice's own pixels and frames, float32 [T, 2, H, W] mm, and the samples around it.

    Args:
        displacement_mm: the decoder's motion on these pixels, [T, 2, H, W].
        canonical_mm: the same on the canonical grid and cycle, [40, 2, 128, 128].
        expected: complex [40, TERMS], the expected motion relative to the decoder's.
        relative: complex [N, 40, TERMS], each sample's motion relative to the expected one.
        coordinates: ring coordinates of the canonical end-diastolic wall.
        canonical: the slice on the canonical grid and cycle.
    """
    in_time = periodic_weights(np.arange(FRAMES) / FRAMES, canonical.phases)
    coefficients = np.einsum("uf,nfk->nuk", in_time, np.concatenate([expected[None], relative])).astype(np.complex64)
    coefficients[:, canonical.reference_frame] = 0.0
    rows, columns = np.nonzero(coordinates.wall)
    wall = canonical_mm[:, 0, rows, columns] - 1j * canonical_mm[:, 1, rows, columns]
    center = in_time @ moving_center(coordinates.center, wall)
    positions = _positions(canonical.source_grid, canonical.grid)
    border_mm = SIZE * SPACING_MM / 2 - 1 - np.maximum(np.abs(positions.real), np.abs(positions.imag))
    inside = border_mm > 0
    basis = np.zeros((expected.shape[-1], *positions.shape), dtype=np.float32)
    basis[:, inside] = coordinates.at(positions[inside]) * np.minimum(border_mm[inside] / _BORDER_FADE_MM, 1.0)
    pixels = np.asarray(inside & (basis != 0).any(axis=0))
    around_decoder = MotionSamples(
        displacement_mm=displacement_mm.stored() if isinstance(displacement_mm, Cropped) else displacement_mm,
        coefficients=coefficients[:1],
        basis=basis[:, pixels],
        pixels=pixels,
        positions=positions[pixels],
        center=center.astype(np.complex64),
        to_canonical=vector_rotation(canonical.source_grid, canonical.grid),
    )
    motion = around_decoder.cropped(0) if expected.any() else cropped(around_decoder, "displacement_mm")
    return motion, replace(around_decoder, displacement_mm=motion.stored(), coefficients=coefficients[1:])


def _positions(source: SliceGrid, target: SliceGrid) -> Array:
    """Canonical positions of a slice's pixels, complex [H, W] mm from the centre of the canonical grid."""
    matrix, offset = affine_2d(source, target)
    height, width = source.shape
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    xy = np.stack([columns, rows], axis=-1) @ matrix.T + offset
    middle = (SIZE - 1) / 2
    return np.asarray(SPACING_MM * ((xy[..., 0] - middle) + 1j * (middle - xy[..., 1])))
