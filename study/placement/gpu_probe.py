"""GPU memory, asked in other processes: the driver's own opens no CUDA context, which would take of that memory."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from trainables.config import RunConfig
from trainables.errors import UserError

if TYPE_CHECKING:
    from trainables.data import Dataset
    from trainables.worker.probe import TrialProbe

PROBE_S = 900.0
ASK_TORCH = """
import torch
if torch.cuda.is_available():
    print(min(torch.cuda.get_device_properties(i).total_memory for i in range(torch.cuda.device_count())))
"""


def gpu_memory() -> int | None:
    """Bytes of the smallest GPU of this machine; None where the installed torch can use none."""
    found = subprocess.run([sys.executable, "-c", ASK_TORCH], capture_output=True, text=True, check=False)
    return int(found.stdout) if found.stdout.strip() else None


def probe_on_ray(run: RunConfig, data: Dataset, together: int = 1, timeout_s: float = PROBE_S) -> TrialProbe | str:
    """One shortened trial alone on a whole GPU of the cluster, in a worker that ends with it; or why there is none.

    Raises UserError when a trial does not fit a whole GPU.
    """
    import ray
    import torch

    from trainables.config import parse_config
    from trainables.worker.probe import probe_trial

    @ray.remote(num_cpus=run.compute.threads, num_gpus=1, max_retries=0, max_calls=1)
    def probe(tree: dict[str, object], data: Dataset) -> TrialProbe:
        return probe_trial(parse_config(tree, source="probe"), data, together)

    asked = probe.remote(run.model_dump(mode="json"), ray.put(data))
    try:
        measured: TrialProbe = ray.get(asked, timeout=timeout_s)
        return measured
    except ray.exceptions.GetTimeoutError:
        ray.cancel(asked, force=True)
        return f"the probe had not ended after {timeout_s:g} s"
    except torch.cuda.OutOfMemoryError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"--gpus-per-trial: a trial does not fit a whole GPU ({reason}); set compute.dtype=bfloat16, or "
            "compute.device=cpu"
        ) from None
    except ray.exceptions.RayError as error:
        return f"the probe failed ({str(error).strip().splitlines()[-1]})"
