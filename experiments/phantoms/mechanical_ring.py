"""A ring of muscle whose motion follows from forces: the solver of the second test cohort.

It shares no code with `LaMoDCore.phantom`. The wall of one slice is a mesh of quadrilaterals between an inner and an
outer curve. Its energy per unit of depth is

    W = μ/2 (I₁ J^(−2/3) − 3) + κ/2 (ln J)² + τ/2 λ_f²,   F = in-plane gradient with the stretch λ through the plane,

a neo-Hookean, nearly incompressible tissue with active tension τ along fibres. Fibres turn from +60° at the inner to
−60° at the outer surface against the circumference (Streeter 1969), and dip into the wall by up to 8°, which makes the
inner wall rotate against the outer one. Springs hold the outer surface to its surroundings, which rotate and shift.
Each frame is the minimum of the energy, found by Newton's method from the frame before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve
from torch import Tensor

from LaMoDCore.heart.geometry import Array

ANGLES, LAYERS = 72, 5
_MU, _KAPPA = 1.0, 40.0
_HELIX, _DIP = np.deg2rad(60.0), np.deg2rad(8.0)
_GAUSS = (0.5 - 0.5 / np.sqrt(3), 0.5 + 0.5 / np.sqrt(3))
_NEWTON, _TOLERANCE = 40, 1e-6


@dataclass(frozen=True, eq=False)
class Wall:
    """Shape and properties at end-diastole.

    Attributes:
        inner, outer: radius in mm about the origin at `ANGLES` equal angles.
        strength: factor of the active tension at each angle.
        stiffness: factor of μ and κ at each angle.
        spring: stiffness of the outer surface's springs, relative to μ per mm.
    """

    inner: Array
    outer: Array
    strength: Array
    stiffness: Array
    spring: float = 0.02

    def nodes(self) -> Array:
        """Nodes of the mesh [LAYERS, ANGLES, 2] in mm."""
        angle = 2 * np.pi * np.arange(ANGLES) / ANGLES
        depth = np.linspace(0, 1, LAYERS)[:, None]
        radius = self.inner + depth * (self.outer - self.inner)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


class RingSolver:
    """Finds the shape of a wall under active tension.

    Args:
        wall: shape and properties.
    """

    def __init__(self, wall: Wall) -> None:
        self.wall = wall
        self.rest = wall.nodes()
        layer, angle = np.indices((LAYERS - 1, ANGLES))
        after = (angle + 1) % ANGLES
        corners = [(layer, angle), (layer, after), (layer + 1, after), (layer + 1, angle)]
        self.elements = np.stack([row * ANGLES + column for row, column in corners], axis=-1).reshape(-1, 4)
        middle = self.rest.reshape(-1, 2)[self.elements].mean(axis=1)
        self._circumferential = _unit(np.stack([-middle[:, 1], middle[:, 0]], axis=-1))
        self._radial = _unit(middle)
        depth = (np.repeat(np.arange(LAYERS - 1), ANGLES) + 0.5) / (LAYERS - 1)
        helix = _HELIX * (1 - 2 * depth)
        dip = _DIP * np.sin(np.pi * depth)
        self._in_plane = torch.from_numpy(
            (np.cos(helix) * np.cos(dip))[:, None] * self._circumferential
            + (np.cos(helix) * np.sin(dip))[:, None] * self._radial
        )
        self._through = torch.from_numpy(np.sin(helix))
        at = np.tile(np.arange(ANGLES), LAYERS - 1)
        half = (wall.strength + np.roll(wall.strength, -1)) / 2, (wall.stiffness + np.roll(wall.stiffness, -1)) / 2
        self._strength, self._stiffness = (torch.from_numpy(each[at]) for each in half)
        self._gradients, self._weights = self._shape_functions()
        self._curvature = torch.func.vmap(torch.func.hessian(self._element_energy), in_dims=(0, *[0] * 6, None))
        self._force = torch.func.vmap(torch.func.grad(self._element_energy), in_dims=(0, *[0] * 6, None))

    def _shape_functions(self) -> tuple[Tensor, Tensor]:
        """Gradients of the bilinear shape functions at four points of each element [E, 4, 4, 2], and areas [E, 4]."""
        corners = self.rest.reshape(-1, 2)[self.elements]
        gradients, weights = [], []
        for s in _GAUSS:
            for t in _GAUSS:
                by_s = np.array([-(1 - t), 1 - t, t, -t])
                by_t = np.array([-(1 - s), -s, s, 1 - s])
                local = np.stack([by_s, by_t], axis=-1)
                jacobian = np.einsum("eni,nj->eij", corners, local)
                gradients.append(local @ np.linalg.inv(jacobian))
                weights.append(np.abs(np.linalg.det(jacobian)) / 4)
        return torch.from_numpy(np.stack(gradients, axis=1)), torch.from_numpy(np.stack(weights, axis=1))

    @staticmethod
    def _element_energy(
        corners: Tensor, gradients: Tensor, weights: Tensor, fibre: Tensor, through: Tensor, tension: Tensor,
        stiffness: Tensor, stretch: Tensor,
    ) -> Tensor:  # fmt: skip
        """Energy of one element: corners [4, 2] -> scalar."""
        deformation = torch.einsum("ni,qnj->qij", corners, gradients)
        flat = deformation[:, 0, 0] * deformation[:, 1, 1] - deformation[:, 0, 1] * deformation[:, 1, 0]
        volume = flat.clamp(min=1e-3) * stretch
        first = deformation.square().sum(dim=(1, 2)) + stretch**2
        passive = 0.5 * _MU * (first * volume ** (-2 / 3) - 3) + 0.5 * _KAPPA * volume.log().square()
        along = torch.einsum("qij,j->qi", deformation, fibre).square().sum(dim=1) + (through * stretch) ** 2
        return ((stiffness * passive + 0.5 * tension * along) * weights).sum()

    def solve(self, start: Array, tension: Array, stretch: float, rotation: float, shift: Array) -> Array:
        """Equilibrium for one frame.

        Args:
            start: nodes [LAYERS, ANGLES, 2] to start from.
            tension: active tension at each angle, relative to μ, [ANGLES].
            stretch: λ through the plane.
            rotation, shift: of the surroundings, in rad and mm.

        Returns:
            nodes [LAYERS, ANGLES, 2].

        Raises:
            RuntimeError: Newton's method does not converge.
        """
        at = np.tile(np.arange(ANGLES), LAYERS - 1)
        between = torch.from_numpy(((tension + np.roll(tension, -1)) / 2)[at]) * self._strength
        lam = torch.tensor(stretch, dtype=torch.float64)
        turn = np.array([[np.cos(rotation), -np.sin(rotation)], [np.sin(rotation), np.cos(rotation)]])
        anchors = self.rest[-1] @ turn.T + shift
        nodes, size = start.reshape(-1, 2).copy(), LAYERS * ANGLES
        outer = np.arange((LAYERS - 1) * ANGLES, size)
        spacing = np.linalg.norm(self.rest[-1] - np.roll(self.rest[-1], 1, axis=0), axis=1)
        hold = self.wall.spring * spacing
        rows = np.repeat(self._unknowns(), 8, axis=1).ravel()
        columns = np.tile(self._unknowns(), (1, 8)).ravel()
        arguments = (
            self._gradients, self._weights, self._in_plane, self._through, between, self._stiffness, lam,
        )  # fmt: skip

        def energy(at_nodes: Array) -> float:
            corners = torch.from_numpy(at_nodes[self.elements])
            deformation = torch.einsum("eni,eqnj->eqij", corners, self._gradients)
            flat = deformation[..., 0, 0] * deformation[..., 1, 1] - deformation[..., 0, 1] * deformation[..., 1, 0]
            if float(flat.min()) < 0.05:
                return np.inf
            batched = torch.func.vmap(self._element_energy, in_dims=(0, *[0] * 6, None))
            held = 0.5 * (hold[:, None] * (at_nodes[outer] - anchors) ** 2).sum()
            return float(batched(corners, *arguments).sum()) + float(held)

        value = energy(nodes)
        for _ in range(_NEWTON):
            corners = torch.from_numpy(nodes[self.elements])
            force = np.zeros((size, 2))
            np.add.at(force, self.elements, self._force(corners, *arguments).numpy())
            force[outer] += hold[:, None] * (nodes[outer] - anchors)
            if np.abs(force).max() < _TOLERANCE:
                return nodes.reshape(LAYERS, ANGLES, 2)
            blocks = self._curvature(corners, *arguments).reshape(-1, 8, 8).numpy()
            held = np.zeros((size, 2))
            held[outer] = hold[:, None]
            matrix = sparse.csc_matrix((blocks.ravel(), (rows, columns)), shape=(2 * size, 2 * size))
            step, shifted = self._newton_step(matrix + sparse.diags(held.ravel()), force), 1.0
            while shifted > 1e-4:
                tried = nodes + shifted * step
                found = energy(tried)
                if found < value + 1e-4 * shifted * float((force * step).sum()):
                    break
                shifted /= 2
            else:
                if np.abs(force).max() < 1e-3:
                    return nodes.reshape(LAYERS, ANGLES, 2)
                raise RuntimeError(f"no descent; the largest force is {np.abs(force).max():.1e}")
            nodes, value = tried, found
        raise RuntimeError(f"not converged; the largest force is {np.abs(force).max():.1e}")

    def _unknowns(self) -> Array:
        """Numbers of the unknowns of each element, [E, 8]."""
        return np.stack([2 * self.elements, 2 * self.elements + 1], axis=-1).reshape(-1, 8)

    @staticmethod
    def _newton_step(matrix: sparse.csc_matrix, force: Array) -> Array:
        """The Newton direction; the matrix is shifted until the direction leads downhill."""
        shift = 0.0
        for _ in range(12):
            shifted = matrix + shift * sparse.identity(matrix.shape[0]) if shift else matrix
            step = -spsolve(sparse.csc_matrix(shifted), force.ravel()).reshape(force.shape)
            if np.isfinite(step).all() and float((step * force).sum()) < 0:
                length = np.linalg.norm(step, axis=-1).max()
                return step * min(1.0, 2.0 / max(length, 1e-12))
            shift = max(4 * shift, 1e-3)
        raise RuntimeError("no downhill direction")


class RingMotion:
    """Displacement of every material point, by cubic interpolation of the nodes in depth and angle.

    Args:
        wall: the wall.
        nodes: [T, LAYERS, ANGLES, 2] in mm; frame 0 is end-diastole.
    """

    def __init__(self, wall: Wall, nodes: Array) -> None:
        self.wall, self.nodes = wall, nodes
        moved = nodes - nodes[:1]
        margin = 6
        padded = np.concatenate([moved[:, :, -margin:], moved, moved[:, :, :margin]], axis=2)
        self._margin = margin
        self._coefficients = np.stack(
            [[ndimage.spline_filter(frame[..., axis], order=3) for axis in range(2)] for frame in padded]
        )

    def displacement(self, points: Array) -> tuple[Array, Array]:
        """Displacement [T, ..., 2] of end-diastolic points [..., 2] in mm, and whether each lies in the wall."""
        angle = np.mod(np.arctan2(points[..., 1], points[..., 0]), 2 * np.pi) / (2 * np.pi) * ANGLES
        inner, outer = (self._radius(curve, angle) for curve in (self.wall.inner, self.wall.outer))
        depth = (np.linalg.norm(points, axis=-1) - inner) / (outer - inner)
        inside = (depth >= 0) & (depth <= 1)
        where = np.stack([np.clip(depth, 0, 1) * (LAYERS - 1), angle + self._margin])
        found = [
            [ndimage.map_coordinates(axis, where, order=3, prefilter=False, mode="mirror") for axis in frame]
            for frame in self._coefficients
        ]
        return np.moveaxis(np.array(found), 1, -1), inside

    @staticmethod
    def _radius(curve: Array, angle: Array) -> Array:
        return ndimage.map_coordinates(curve, angle[None], order=1, mode="grid-wrap")

    def contours(self, frame: int) -> tuple[Array, Array]:
        """Endo- and epicardium [ANGLES, 2] in mm at a frame."""
        return self.nodes[frame, 0], self.nodes[frame, -1]


def cavity_area(nodes: Array) -> float:
    """Area within the inner nodes [LAYERS, ANGLES, 2], mm²."""
    x, y = nodes[0].T
    return float(0.5 * np.abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
