"""The options of ``python -m study.launch``."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from study.config import PRUNER_NAMES, SAMPLER_NAMES, studies
from trainables.command_line import Parser
from trainables.commands import aligned, program, typed
from trainables.config import BASE_MODEL_PRESETS, THRESHOLDS, datasets

LAUNCH = typed("launch")
LINES = aligned(
    (LAUNCH, "a few trials on real speech; needs no download"),
    (f"{LAUNCH} --dataset thumos14 --num-samples 64", "the main job"),
    (f"{LAUNCH} --dataset thumos14 --study generator-beta --seeds 3", ""),
    (f"{LAUNCH} --dataset my-videos/dataset.yaml", "the same on videos of your own"),
    (f"{LAUNCH} --study my-study.yaml --set training.epochs=30", ""),
    (f"{LAUNCH} --trial beta=2,sampled_share=0.6", "first try a point of your own"),
    (f"{LAUNCH} --from NAME --seeds 3", "begin with the best points of an earlier study"),
    (f"{LAUNCH} --resume NAME --num-samples 128", "continue after any stop, and extend"),
    (f"{LAUNCH} --name NAME --submit http://head:8265", "as a job of a Ray cluster"),
)
EXAMPLES = f"""\
examples:
{LINES}

data sets: {", ".join(datasets())},
           or a data set file of your own ({typed("new")} DIR writes one)
studies:   {", ".join(studies())}, or a YAML file of your own

exit status: 0 done; 1 no trial succeeded; 2 the request was wrong; 3 stopped by a folder or a
Ray that failed; 130, 143 stopped by a signal"""

# What may be said to a study that exists; everything else is in its study.json already.
WITH_RESUME = {
    *(
        "resume",
        "num_samples",
        "target",
        "patience",
        "time_budget",
        "study_dir",
        "data_dir",
        "address",
        "dry_run",
        "probe",
        "verbose",
    ),
    *("gpus_per_trial", "cpus_per_trial", "trials_per_process"),
    *("max_concurrent", "trial_timeout", "max_failures", "log_to", "submit"),
}
WITH_RERUN = {"rerun", "study_dir", "data_dir"}

Group = argparse.ArgumentParser | argparse._ArgumentGroup

LONGEST_S = 1e8  # three years; the timers of some systems hold no more than 2**31 seconds

LOGGERS = ("tensorboard", "mlflow", "wandb")


def command_parser() -> Parser:
    """Of the command itself."""
    parser = Parser(
        prog=program("study.launch"),
        description="Start or resume a study: complete refinement runs, proposed by Optuna, executed by Ray Tune.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_argument_group("what")
    add_configuration(group)
    _add_earlier(group)
    _add_where(parser)
    return parser


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parsed options; None where one was not given. Exits with status 2 for a wrong one."""
    parser = command_parser()
    given = parser.parse_args(arguments)
    for way, allowed in (("resume", WITH_RESUME), ("rerun", WITH_RERUN)):
        if getattr(given, way) is not None:
            _refuse_others(parser, given, way, allowed)
    for option, name in (
        ("--resume", given.resume),
        ("--rerun", given.rerun and given.rerun[0]),
        ("--from", vars(given)["from"]),
        ("--name", given.name),
    ):
        if name is not None and not name.strip():
            parser.error(f"{option}: the name of the study is empty")
    if given.submit is not None:
        _check_submit(parser, given)
    if given.probe and not given.dry_run:
        parser.error("--probe: tells what a study would cost; give --dry-run with it")
    if given.rerun and not given.rerun[1].removeprefix("t").isdecimal():
        parser.error(f"--rerun: the trial is a number, as 7 or t0007, got '{given.rerun[1]}'")
    return given


def _check_submit(parser: Parser, given: argparse.Namespace) -> None:
    for option in ("address", "dry_run", "rerun"):
        if _is_given(getattr(given, option)):
            parser.error(f"--submit: runs the study on that cluster; leave --{option.replace('_', '-')} out")
    if not given.resume and not given.name:
        parser.error("--submit: give the study a --name, so that it can be found again")


def _refuse_others(parser: Parser, given: argparse.Namespace, way: str, allowed: set[str]) -> None:
    extra = [name for name, value in vars(given).items() if _is_given(value) and name not in allowed]
    if extra:
        name = given.resume or given.rerun[0]
        option = f"--{extra[0].replace('_', '-')}"
        parser.error(f"{option}: study '{name}' has its own already; leave {option} out with --{way}")


def add_configuration(group: Group) -> None:
    """What decides the configuration of a study and of its runs."""
    group.add_argument("--dataset", metavar="NAME|PATH", help="data set, or a data set file (default: spoken-digits)")
    group.add_argument("--features", metavar="NAME", help="which features, where a data set has several: i3d or tsn")
    group.add_argument(
        "--protocol", metavar="NAME", help="released (default): as the authors' code; paper: as its text"
    )
    group.add_argument(
        "--base-model", metavar="NAME", help=f"refineloc (default), {', '.join(BASE_MODEL_PRESETS)}: what is refined"
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="settings in place of the preset's, as study.export --config writes"
    )
    group.add_argument(
        "--selection",
        choices=("held-out", "paper", "video-labels"),
        help="what chooses (default: as the study says; video-labels where nothing has temporal annotations)",
    )
    group.add_argument(
        "--thresholds",
        choices=THRESHOLDS,
        help="whose alpha_A and alpha_C the space varies: of the pseudo labels, the predictions, or one pair for both "
        "(default: as the preset says)",
    )
    group.add_argument("--study", metavar="NAME|FILE", help="search space and budget (default: search)")
    group.add_argument(
        "--trial",
        action="append",
        metavar="KEY=VALUE,...",
        help="first try this point of the space, counted in --num-samples; keys that are left out are the preset's; "
        "may be repeated",
    )
    group.add_argument("--num-samples", type=_positive, metavar="N", help="configurations (default: the study's)")
    group.add_argument("--seeds", type=_positive, metavar="N", help="replicates of each configuration")
    group.add_argument("--seed", type=_natural, metavar="N", help="base seed of sampler and replicates")
    group.add_argument("--sampler", choices=SAMPLER_NAMES, help="proposes configurations (default: the study's)")
    group.add_argument("--pruner", choices=PRUNER_NAMES, help="stop weak trials early (default: none)")
    group.add_argument(
        "--grace",
        type=_natural,
        metavar="N",
        help="a trial may be pruned after iteration N, not before; 0 is M0 (default: 1)",
    )
    group.add_argument(
        "--confirm", type=_positive, metavar="N", help="run the best N configurations again on further seeds"
    )
    group.add_argument(
        "--target",
        type=_number,
        metavar="MAP",
        help="end the search when a configuration reaches it (percent mAP, or what the rule compares by)",
    )
    group.add_argument(
        "--patience", type=_positive, metavar="N", help="end the search after N configurations that are no better"
    )
    group.add_argument(
        "--time-budget",
        type=_duration,
        metavar="8h",
        help="end the search in time for the confirmation (8h, 90m, 1h30m)",
    )
    group.add_argument(
        "--asynchronous", action="store_true", help="never wait for results; reproducible only with one worker"
    )
    group.add_argument("--no-shared-base", action="store_true", help="each trial trains its own M0")
    group.add_argument("--set", action="append", metavar="KEY=VALUE", help="any RunConfig field; may be repeated")
    group.add_argument(
        "--allow-missing", action="store_true", help="videos without features are evaluated as having no predictions"
    )


def _add_earlier(group: Group) -> None:
    group.add_argument(
        "--from",
        metavar="NAME",
        help="first try the best points of an earlier study of the same space, by name or path",
    )
    group.add_argument(
        "--resume",
        metavar="NAME",
        help="continue a study, by name or path; --num-samples, --target, --patience and --time-budget may extend it",
    )
    group.add_argument(
        "--rerun", nargs=2, metavar=("NAME", "TRIAL"), help="run a trial again, outside the ledger, and compare"
    )


def _add_where(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where and how")
    group.add_argument("--name", metavar="NAME", help="of the study's folder (default: <data set>-<study>-<number>)")
    group.add_argument("--study-dir", type=Path, metavar="DIR", help="holds the studies (default: studies)")
    group.add_argument("--data-dir", type=Path, metavar="DIR", help="holds the data sets (default: data)")
    group.add_argument("--gpus-per-trial", type=_share, metavar="auto|F", help="share of a GPU (default: auto)")
    group.add_argument("--cpus-per-trial", type=_positive, metavar="N", help="default: the threads of a trial")
    group.add_argument(
        "--trials-per-process",
        type=_positive,
        metavar="K",
        help="trials that train together in one process; equal up to rounding",
    )
    group.add_argument("--max-concurrent", type=_positive, metavar="N", help="default: as many as fit")
    group.add_argument(
        "--lookback", type=_natural, metavar="N", help="propose without waiting for the latest N configurations"
    )
    group.add_argument("--trial-timeout", type=_seconds, metavar="S", help="limit on the seconds that a trial works")
    group.add_argument(
        "--max-failures", type=_natural, metavar="N", help="retries of a trial, and of its lost worker (default: 1)"
    )
    group.add_argument("--address", metavar="HOST:PORT", help="join this Ray cluster ('auto': the one running here)")
    group.add_argument(
        "--submit",
        metavar="ADDRESS",
        help="run as a job of the Ray cluster with this dashboard, http://HOST:8265 ('auto': the one here)",
    )
    group.add_argument("--log-to", choices=LOGGERS, help="also log the trials for this program")
    group.add_argument("--dry-run", action="store_true", help="print the plan and its cost, start nothing")
    group.add_argument(
        "--probe", action="store_true", help="with --dry-run: run a shortened trial, to tell time and GPU memory"
    )
    group.add_argument("--verbose", action="store_true", help="also print a line for each iteration")


def _is_given(value: object) -> bool:
    return value is not None and value is not False  # --seed 0 is given


def _positive(text: str) -> int:
    return _whole(text, 1)


def _natural(text: str) -> int:
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"must be a whole number, {least} or more, got '{text}'")
    return int(text)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a number, got '{text}'")
    return value


def _duration(text: str) -> float:
    """Seconds of ``8h``, ``90m``, ``1h30m`` or ``45s``."""
    found = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    parts = [int(part or 0) for part in found.groups()] if found else [0]
    seconds = float(sum(part * unit for part, unit in zip(parts, (86400, 3600, 60, 1), strict=False)))
    if not 0 < seconds <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"must be a time with its unit, as 8h, 90m, 1h30m or 45s, got '{text}'")
    return seconds


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if value > LONGEST_S:
        raise argparse.ArgumentTypeError(f"must be at most {LONGEST_S:.0f} seconds, got '{text}'")
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, got '{text}'")
    return value


def _share(text: str) -> float | str:
    if text == "auto":
        return text
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be 'auto' or a number, 0 or more, got '{text}'")
    return value
