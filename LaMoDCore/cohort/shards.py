"""This process's part of a cohort when a launcher has started several processes, on one or more machines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from LaMoDCore.runtime.errors import LaMoDInputError

#: Environment variables of (rank, number of processes, rank on this machine): torchrun and lightning-fabric; srun.
_LAUNCHERS = (("RANK", "WORLD_SIZE", "LOCAL_RANK"), ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"))


@dataclass(frozen=True)
class Shard:
    """Position of this process among several.

    Attributes:
        rank: 0 … count − 1.
        count: number of processes.
        local_rank: rank on this machine, which selects the GPU.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0


def shard_from_environment(environment: Mapping[str, str] | None = None) -> Shard:
    """Read the shard that torchrun, lightning-fabric or srun has set in the environment; without a launcher, one shard.

    Raises:
        LaMoDInputError: the variables are contradictory.
    """
    given = os.environ if environment is None else environment
    for rank_name, count_name, local_name in _LAUNCHERS:
        if rank_name not in given or count_name not in given:
            continue
        try:
            shard = Shard(int(given[rank_name]), int(given[count_name]), int(given.get(local_name, "0")))
        except ValueError:
            shard = Shard(-1, 0)
        if not 0 <= shard.rank < shard.count:
            raise LaMoDInputError(
                f"{rank_name}={given[rank_name]}, {count_name}={given[count_name]}",
                "they are not the rank and number of processes",
                "start through torchrun or srun, or unset both",
            )
        return shard
    return Shard()
