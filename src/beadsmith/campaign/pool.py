"""Where simulations run: the cores of this machine, or the jobs of a cluster, both through Dask.

The campaign sees a :class:`concurrent.futures.Executor` and does not know the difference.
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beadsmith.errors import BeadsmithError
from beadsmith.problem.schema import Cluster, Compute

#: Simulations are processes of their own, so one Dask process can watch several; beyond this many the reading and
#: averaging in Python would wait for each other.
THREADS_PER_PROCESS = 4

#: Dask watches itself: by a sample of every thread's stack and a tick of every event loop, a hundred and fifty times a
#: second, and by what its status pages show of the machine.  That is twentyfold too often for tasks of seconds to
#: hours, and costs 4 % of a core.
_CALM = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
}

#: Workers of this machine are given up only when they end: after a night in a laptop bag they have all been silent for
#: hours, and a simulation that nobody waits for any more would never be answered.
_PATIENT = {"distributed.scheduler.worker-ttl": None}

#: Name of Dask's scratch folders, and of the file in them that their owner holds locked.
_SCRATCH = "beadsmith-dask-"
_LOCK = "lock"


@dataclass(frozen=True)
class Pool:
    """Something that runs tasks.

    Attributes:
        executor: submit tasks here.
        workers: how many run at once.
    """

    executor: Executor
    workers: int


def worker_count(compute: Compute, processors: int = 1) -> int:
    """How many simulations of so many processors run at once."""
    cluster = cluster_of(compute)
    if cluster is not None:
        return cluster.jobs * (cluster.simulations_per_job or max(1, cluster.cores // processors))
    return compute.local.workers or max(1, available_cores() // processors)


def available_cores() -> int:
    """Cores this process may use (a container or a batch job may have fewer than the machine)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cluster_of(compute: Compute) -> Cluster | None:
    """The cluster that the problem file asks for; None for this machine."""
    return compute.slurm or compute.pbs or compute.lsf


@contextmanager
def open_pool(compute: Compute, processors: int = 1) -> Iterator[Pool]:
    """Start workers; they are gone when the block ends."""
    from distributed import Client

    workers = worker_count(compute, processors)
    with (
        _quiet_dask(patient=cluster_of(compute) is None),
        _scratch() as scratch,
        _start_cluster(compute, workers, processors, scratch) as cluster,
        Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False)
        try:
            yield Pool(executor, workers)
        finally:
            executor.shutdown(wait=False)


def job_script(compute: Compute, processors: int = 1) -> str:
    """The job script that a cluster would be given.

    Raises:
        BeadsmithError: if the problem file asks for no cluster.
    """
    cluster = cluster_of(compute)
    if cluster is None:
        raise BeadsmithError("compute: received no cluster, expected slurm, pbs or lsf")
    with _cluster(compute, cluster, processors, log_directory=None) as jobs:
        return str(jobs.job_script())


def _start_cluster(compute: Compute, workers: int, processors: int, scratch: str) -> Any:
    cluster = cluster_of(compute)
    if cluster is not None:
        jobs = _cluster(compute, cluster, processors, log_directory="dask-logs")
        jobs.scale(jobs=cluster.jobs)
        return jobs
    from distributed import LocalCluster

    processes = workers > THREADS_PER_PROCESS
    return LocalCluster(
        host="127.0.0.1" if processes else None,  # threads talk within the process
        n_workers=math.ceil(workers / THREADS_PER_PROCESS),
        threads_per_worker=min(workers, THREADS_PER_PROCESS),
        processes=processes,
        local_directory=scratch,
        # Dask's status pages: on a free port, for this machine only.
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address="127.0.0.1:0",
        memory_limit=0,
    )


def _cluster(compute: Compute, cluster: Cluster, processors: int, log_directory: str | None) -> Any:
    """One Dask worker per job; each of its threads watches one simulation."""
    import dask_jobqueue

    simulations = cluster.simulations_per_job or max(1, cluster.cores // processors)
    shared: dict[str, Any] = {
        "queue": cluster.queue,
        "cores": simulations,
        "processes": math.ceil(simulations / THREADS_PER_PROCESS),
        "memory": cluster.memory,
        "walltime": cluster.walltime,
        "job_script_prologue": list(cluster.prologue),
        "job_extra_directives": list(cluster.directives),
        "log_directory": log_directory,
        "scheduler_options": {"dashboard_address": ":0"},
    }
    if compute.slurm is not None:
        return dask_jobqueue.SLURMCluster(account=cluster.account, job_cpu=cluster.cores, **shared)
    if compute.pbs is not None:
        resources = f"select=1:ncpus={cluster.cores}:mem={cluster.memory.replace(' ', '')}"
        return dask_jobqueue.PBSCluster(account=cluster.account, resource_spec=resources, **shared)
    return dask_jobqueue.LSFCluster(project=cluster.account, ncpus=cluster.cores, **shared)


@contextmanager
def _quiet_dask(*, patient: bool) -> Iterator[None]:
    """Dask reports every worker that ends as if it were news, and watches itself too closely; restored afterwards.

    Args:
        patient: whether workers may be silent for as long as they like.
    """
    import dask

    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with dask.config.set({**_CALM, **(_PATIENT if patient else {})}):
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _scratch() -> Iterator[str]:
    """A scratch folder for Dask; those that killed drivers left behind are removed first."""
    _remove_abandoned(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_SCRATCH) as folder, (Path(folder) / _LOCK).open("w") as lock:
        with suppress(OSError):  # a file system without locks: the folder stays if we are killed
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Only a lock that says so has been held: nobody removes a folder that has just been made.
            lock.write("held\n")
            lock.flush()
        yield folder


def _remove_abandoned(folder: Path) -> None:
    """Remove scratch folders whose lock was held once and is not held any more."""
    for lock in folder.glob(f"{_SCRATCH}*/{_LOCK}"):
        try:
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                abandoned = bool(file.read())
        except OSError:  # held, removed meanwhile, or somebody else's
            continue
        if abandoned:
            shutil.rmtree(lock.parent, ignore_errors=True)
