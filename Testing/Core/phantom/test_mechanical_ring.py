"""The generator of the second test cohort: equilibrium, volume, directions and the stored case."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.phantoms.mechanical_ring import ANGLES, LAYERS, RingMotion, RingSolver, Wall, cavity_area
from experiments.phantoms.phantom_test_v2 import Reader, activation, case_of, heart_of
from LaMoDCore.evaluation.truth import truth_of
from LaMoDCore.strain.frame import ventricle_center
from LaMoDCore.strain.indices import rotation_degrees


@pytest.fixture(scope="module")
def wall() -> Wall:
    angle = 2 * np.pi * np.arange(ANGLES) / ANGLES
    weak = 1 - np.exp(-((np.angle(np.exp(1j * (angle - 1.0))) / 0.5) ** 2))
    return Wall(np.full(ANGLES, 22.0), np.full(ANGLES, 30.0), weak, np.ones(ANGLES))


@pytest.fixture(scope="module")
def contracted(wall: Wall) -> np.ndarray:
    return RingSolver(wall).solve(wall.nodes(), np.full(ANGLES, 1.5), 0.9, np.deg2rad(4.0), np.array([1.0, -0.5]))


def test_a_wall_without_tension_stays_at_rest(wall: Wall) -> None:
    still = RingSolver(wall).solve(wall.nodes(), np.zeros(ANGLES), 1.0, 0.0, np.zeros(2))
    np.testing.assert_allclose(still, wall.nodes(), atol=1e-6)


def test_tension_narrows_the_cavity_and_keeps_the_volume(wall: Wall, contracted: np.ndarray) -> None:
    assert cavity_area(contracted) < 0.8 * cavity_area(wall.nodes())
    rest = wall.nodes()

    def area(nodes: np.ndarray) -> float:
        return cavity_area(nodes[::-1]) - cavity_area(nodes)

    assert area(contracted) * 0.9 / area(rest) == pytest.approx(1.0, abs=0.03)
    weak, opposite = round(1.0 / (2 * np.pi) * ANGLES), round((1.0 + np.pi) / (2 * np.pi) * ANGLES)
    thick = np.linalg.norm(contracted[-1] - contracted[0], axis=1)
    assert thick[weak] < thick[opposite] - 0.5


def test_displacement_is_that_of_the_nodes_and_smooth_between_them(wall: Wall, contracted: np.ndarray) -> None:
    motion = RingMotion(wall, np.stack([wall.nodes(), contracted]))
    at, inside = motion.displacement(wall.nodes()[1:-1])
    assert inside.all()
    np.testing.assert_allclose(at[1], (contracted - wall.nodes())[1:-1], atol=1e-6)
    turned = np.array([[np.cos(0.04), -np.sin(0.04)], [np.sin(0.04), np.cos(0.04)]])  # half of an element
    between, _ = motion.displacement(wall.nodes()[2] @ turned.T)
    neighbours = (contracted - wall.nodes())[2]
    np.testing.assert_allclose(between[1], (neighbours + np.roll(neighbours, -1, axis=0)) / 2, atol=0.15)


def test_activation_begins_and_ends_at_rest() -> None:
    values = np.array([activation(phase, 0.35) for phase in np.linspace(0, 1, 200)])
    assert values[0] == values[-1] == 0 and values.max() == pytest.approx(1, abs=0.01)
    assert abs(np.argmax(values) / 199 - 0.35) < 0.02


def test_a_stored_case_has_the_motion_of_its_heart() -> None:
    number = 220  # an apex, and not one of the cohort
    heart = heart_of(number)
    case = case_of(number, heart)
    truth = truth_of(case)
    assert truth is not None and case.level == heart.level == "apex" and heart.nodes.shape[1] == LAYERS
    slice_, wall = truth.case.slices[0], truth.case.slices[0].myocardium[0]
    moved = truth.motions[0].displacement_mm[truth.es_frame][None]
    assert rotation_degrees(moved, wall, slice_.grid, ventricle_center(wall))[0] > 1  # counter-clockwise from the apex
    assert truth.strains[0].global_curves["ecc"][truth.es_frame] < -0.1
    overlap = (case.masks & case.masks_true).sum() / (case.masks | case.masks_true).sum()
    assert 0.6 < overlap < 0.98


def test_readers_differ_and_some_follow_the_blood_pool() -> None:
    readers = [Reader.draw(np.random.default_rng(k)) for k in range(40)]
    assert 8 < sum(reader.trabeculae_mm > 0 for reader in readers) < 32
    assert {reader.every for reader in readers} == {1, 2, 3}
