"""Which part of a cohort is this process's, when a launcher has started several, here or on other machines."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from LaMoDCore.runtime.errors import LaMoDInputError

#: (rank, processes, rank on this machine) as torchrun and lightning-fabric name them, and as SLURM's srun does.
_LAUNCHERS = (("RANK", "WORLD_SIZE", "LOCAL_RANK"), ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"))


@dataclass(frozen=True)
class Shard:
    """This process among its like.

    Attributes:
        rank: 0 … count − 1.
        count: processes.
        local_rank: on this machine, which says whose GPU is whose.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0


def shard_from_environment(environment: Mapping[str, str] | None = None) -> Shard:
    """The shard that torchrun, lightning-fabric or srun has set in the environment; the whole without a launcher.

    Raises:
        LaMoDInputError: the variables contradict each other.
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
                "they do not name one of several processes",
                "start through torchrun or srun, or unset both",
            )
        return shard
    return Shard()
