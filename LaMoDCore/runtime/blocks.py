"""Arrays that are made and written in parts, because the whole would need too much memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Blocks:
    """An array that is made and written block by block along its first axis.

    Attributes:
        shape, dtype: of the whole array.
        make: returns an iterator over ``shape[0]`` blocks of shape ``shape[1:]``; a block may be overwritten by the
            next one.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    make: Callable[[], Iterator[Array]]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> Array:
        whole = np.empty(self.shape, dtype=dtype or self.dtype)
        for index, block in enumerate(self.make()):
            whole[index] = block
        return whole
