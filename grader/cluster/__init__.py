"""Grading on a cluster, with the engine of this machine on each of its nodes."""

from enum import StrEnum


class ClusterKind(StrEnum):
    """Clusters that notebooks can be run on."""

    SLURM = "slurm"
    DASK = "dask"
