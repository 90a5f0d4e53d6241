"""Workers: real Dask on this machine, and the job scripts that clusters would get."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask
import pytest

from beadsmith.campaign.pool import available_cores, job_script, open_pool, worker_count
from beadsmith.errors import BeadsmithError
from beadsmith.problem.schema import Compute

CLUSTER = {
    "queue": "normal",
    "account": "polymers",
    "cores": 32,
    "memory": "64 GB",
    "walltime": "12:00:00",
    "jobs": 3,
    "prologue": ["module load gcc"],
    "directives": ["--constraint=skylake"],
}


def test_local_workers_run_side_by_side(tmp_path):
    def meet(own: str, other: str) -> bool:
        (tmp_path / own).touch()
        end = time.monotonic() + 120
        while not (tmp_path / other).exists() and time.monotonic() < end:
            time.sleep(0.01)
        return (tmp_path / other).exists()

    with open_pool(Compute.model_validate({"local": {"workers": 2}})) as pool:
        futures = [pool.executor.submit(meet, *names) for names in (("left", "right"), ("right", "left"))]
        assert all(future.result() for future in futures)
        assert pool.workers == 2


def test_an_exception_comes_back_as_itself():
    with open_pool(Compute.model_validate({"local": {"workers": 1}})) as pool:
        future = pool.executor.submit(int, "no number")
        with pytest.raises(ValueError, match="no number"):
            future.result()


SUSPENDED = """
import time
from beadsmith.campaign.pool import open_pool
from beadsmith.problem.schema import Compute

with open_pool(Compute.model_validate({"local": {"workers": 2}})) as pool:
    futures = [pool.executor.submit(time.sleep, 2.0) for _ in range(4)]
    print("begun", flush=True)
    for future in futures:
        future.result()
print("done", flush=True)
"""


def test_work_goes_on_after_the_machine_has_slept():
    # Silent workers are given up after five seconds instead of Dask's five minutes.
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s"}
    command = [sys.executable, "-c", SUSPENDED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGSTOP)
        time.sleep(8.0)
        process.send_signal(signal.SIGCONT)
        try:
            said, _ = process.communicate(timeout=120)
        finally:
            process.kill()
    assert said == "done\n"


def test_workers_do_not_watch_themselves_and_others_as_before():
    watching = "distributed.worker.profile.enabled"
    before = dask.config.get(watching)
    with open_pool(Compute.model_validate({"local": {"workers": 2}})) as pool:
        assert pool.executor.submit(dask.config.get, watching).result() is False
    assert dask.config.get(watching) == before


KILLED = """
import os, signal
from beadsmith.campaign.pool import open_pool
from beadsmith.problem.schema import Compute
with open_pool(Compute.model_validate({"local": {"workers": 1}})) as pool:
    pool.executor.submit(int, "1").result()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """A temporary directory of our own, for this process and those it starts."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def scratch_folders(temporary: Path) -> set[Path]:
    return set(temporary.glob("beadsmith-dask-*"))


def test_what_a_killed_driver_left_is_removed_at_the_next_start_and_no_more(temporary):
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert len(left := scratch_folders(temporary)) == 1
    new, held = temporary / "beadsmith-dask-new", temporary / "beadsmith-dask-held"
    for folder, content in ((new, ""), (held, "held")):
        folder.mkdir()
        (folder / "lock").write_text(content)
    bare = temporary / "beadsmith-dask-bare"
    bare.mkdir()
    with (held / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open_pool(Compute.model_validate({"local": {"workers": 1}})):
            assert scratch_folders(temporary) >= {new, held, bare}
            assert not scratch_folders(temporary) & left
            assert len(scratch_folders(temporary)) == 4
    assert scratch_folders(temporary) == {new, held, bare}


def test_worker_counts():
    assert worker_count(Compute()) == available_cores()
    assert worker_count(Compute(), processors=10**6) == 1
    assert worker_count(Compute.model_validate({"slurm": CLUSTER})) == 3 * 32
    assert worker_count(Compute.model_validate({"slurm": CLUSTER}), processors=8) == 3 * 4
    assert worker_count(Compute.model_validate({"slurm": {**CLUSTER, "simulations_per_job": 10}})) == 30


def test_slurm_job_script():
    lines = job_script(Compute.model_validate({"slurm": CLUSTER})).splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    for wanted in (
        "#SBATCH -p normal",
        "#SBATCH -A polymers",
        "#SBATCH --cpus-per-task=32",
        "#SBATCH --mem=60G",  # Dask turns decimal gigabytes into binary ones
        "#SBATCH -t 12:00:00",
        "#SBATCH --constraint=skylake",
        "module load gcc",
    ):
        assert wanted in lines, wanted
    worker = lines[-1]
    assert "--nworkers 8" in worker  # 32 single-core simulations, four to a watching process
    assert "--nthreads 4" in worker


def test_pbs_and_lsf_job_scripts():
    pbs = job_script(Compute.model_validate({"pbs": {**CLUSTER, "directives": []}}))
    assert "#PBS -l select=1:ncpus=32:mem=64GB" in pbs
    assert "#PBS -l walltime=12:00:00" in pbs
    lsf = job_script(Compute.model_validate({"lsf": {**CLUSTER, "directives": []}}))
    assert "#BSUB -n 32" in lsf
    assert "#BSUB -W 12:00" in lsf


def test_no_cluster_no_job_script():
    with pytest.raises(BeadsmithError, match="expected slurm, pbs or lsf"):
        job_script(Compute())
