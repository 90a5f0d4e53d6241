"""What every test may rely on: no display, one thread per process, the same random examples each time."""

import os

import hypothesis

# Before anything imports matplotlib or a BLAS; simulations started by tests inherit it.
os.environ["MPLBACKEND"] = "Agg"
os.environ["OMP_NUM_THREADS"] = "1"

# A test that fails for one must fail for all. No deadline: the machine may be busy.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")
