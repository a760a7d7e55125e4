"""What a request would do, without doing it: ``study.launch --dry-run``."""

from __future__ import annotations

from argparse import Namespace

from study.cli.plan import describe_plan
from study.cli.request import Request, read_placement, searched_generators
from study.placement import Placement, probed_memory
from trainables.errors import UserError


def dry_run(given: Namespace, request: Request, placement: Placement | None) -> str:
    """The plan, checked as a launch checks it, with a probe on this machine where one was asked for."""
    check_with_torch(request)
    if not given.probe:
        return describe_plan(request, placement)
    from trainables.worker.probe import probe_trial

    probe = probe_trial(request.run, request.data, given.trials_per_process or 1)
    if placement and placement.memory:
        memory = probed_memory(placement.memory, probe)
        placement = read_placement(given, request.run, request.data, memory=memory)
    return describe_plan(request, placement, probe=probe)


def check_with_torch(request: Request) -> None:
    """What can be wrong with a request and takes torch to see."""
    from trainables.base_models import BASE_MODELS
    from trainables.errors import nearest
    from trainables.gpu import resolve_device
    from trainables.refinement import require_annotations, selection_splits

    name = request.run.model.name
    if name not in BASE_MODELS:
        raise UserError(f"model.name: no base model '{name}'. {nearest(name, BASE_MODELS)}")
    resolve_device(request.run)
    splits = selection_splits(request.run, request.data)
    require_annotations(request.run, splits, searched_generators(request.study, request.run))
