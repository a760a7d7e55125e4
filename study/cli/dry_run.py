"""What a request would do, without doing it: ``study.launch --dry-run``."""

from __future__ import annotations

from argparse import Namespace

from study.cli.plan import describe_plan
from study.cli.request import Request, read_placement, searched_generators
from study.placement import Placement, probed_memory
from trainables.config import BASE_MODEL_PRESETS
from trainables.errors import UserError, nearest

SHIPPED_MODELS = ("refineloc", *BASE_MODEL_PRESETS)


def dry_run(given: Namespace, request: Request, placement: Placement | None) -> str:
    """The plan, checked as a launch checks it, with a probe on this machine where one was asked for."""
    check_completely(request)
    if not given.probe:
        return describe_plan(request, placement)
    from trainables.worker.probe import probe_trial

    probe = probe_trial(request.run, request.data, given.trials_per_process or 1)
    if placement and placement.memory:
        memory = probed_memory(placement.memory, probe)
        placement = read_placement(given, request.run, request.data, memory=memory)
    return describe_plan(request, placement, probe=probe)


def check_completely(request: Request) -> None:
    """What is left to check of a request. Imports torch only where it takes torch to see."""
    from trainables.refinement.selection import require_annotations, selection_splits

    name = request.run.model.name
    if name not in SHIPPED_MODELS:
        from trainables.base_models import BASE_MODELS

        if name not in BASE_MODELS:
            raise UserError(f"model.name: no base model '{name}'. {nearest(name, BASE_MODELS)}")
    if request.run.compute.device == "cuda":
        from trainables.gpu import resolve_device

        resolve_device(request.run)
    splits = selection_splits(request.run, request.data)
    require_annotations(request.run, splits, searched_generators(request.study, request.run))
