"""A study as a Ray job: its driver runs on the cluster, this process follows its lines. ``--submit``.

The cluster's Jobs page then lists the study by name. Ctrl+C here ends the following alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shlex
import socket
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from study.execution.cluster import RAY_ENVIRONMENT, has_token, read_environment_again
from study.ledger import open_study
from trainables.commands import CONSOLE_VARIABLE, by_console, typed
from trainables.errors import UserError

AUTO = "auto"
CONNECT_S = 5.0
# Ray kills a job that has not ended so soon after its SIGTERM; of itself it waits 3 s.
STOP_WAIT_S = 30
FOLDERS, NAMES_OR_PATHS = ("--study-dir", "--data-dir", "--config"), ("--dataset", "--study", "--from", "--resume")
STATUSES = {"SUCCEEDED": 0, "STOPPED": 143, "FAILED": 1}
LOST_STATUS = 3


def submit(given: Namespace, arguments: list[str]) -> int:
    """Submit the study and follow it to its end; returns the exit status of its driver, 0 after Ctrl+C.

    arguments: those of the command. Raises UserError for an address without a Ray dashboard, and without its token.
    """
    client = _client(given.submit)
    name = Path(given.resume).name if given.resume else given.name
    # -P: the folder that Ray was started in, where the job runs, may hold a study.py of the user's own.
    command = shlex.join(["python", "-P", "-m", "study.launch", *job_arguments(given, arguments)])
    try:
        job = _submit(client, command, name, _metadata(given, name))
    except (RuntimeError, OSError) as error:
        raise UserError(
            f"--submit: the cluster at '{given.submit}' did not take the job: {_first_line(error)}"
        ) from None
    print(f"job          {job} at {given.submit}; Ctrl+C leaves it running\ncommand      {command}\n", flush=True)
    try:
        asyncio.run(_follow(client, job))
    except KeyboardInterrupt:
        print(f"\ndetached; study {name} goes on.\n{_how_to_look(given, job, name)}")
        return 0
    except (RuntimeError, OSError) as error:
        print(f"error: the lines of job {job} cannot be followed any more ({error})", file=sys.stderr)
        print(_how_to_look(given, job, name), file=sys.stderr)
        return LOST_STATUS
    return _end(client, given, job, name)


def job_arguments(given: Namespace, arguments: Iterable[str]) -> list[str]:
    """The arguments of the job: joined to the cluster, and with paths that do not depend on this working folder."""
    out, left = list[str](), iter(arguments)
    for token in left:
        option, equals, value = token.partition("=")
        if option not in ("--submit", *FOLDERS, *NAMES_OR_PATHS):
            out.append(token)
            continue
        value = value if equals else next(left)
        if option in FOLDERS or (option in NAMES_OR_PATHS and Path(value).exists()):
            value = str(Path(value).absolute())
        out += [] if option == "--submit" else [option, value]
    if given.study_dir is None:
        out += ["--study-dir", str(Path("studies").absolute())]
    if given.data_dir is None and given.resume is None:
        out += ["--data-dir", str(Path("data").absolute())]
    return [*out, "--address", AUTO]


def _client(address: str) -> Any:
    """Of the dashboard at ``address``; raises UserError where there is none, or it does not let us in."""
    for name, value in RAY_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if has_token():
        os.environ.setdefault("RAY_AUTH_MODE", "token")  # this client, unlike ray.init, sends none of itself
    if address != AUTO:
        _check_listens(address)
        for name in ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS"):  # they would win over what was asked for
            os.environ.pop(name, None)
    read_environment_again()
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    logging.getLogger(JobSubmissionClient.__module__).setLevel(logging.CRITICAL)  # it tells that a job's log has ended

    try:
        return JobSubmissionClient(_url(address))
    except AuthenticationError:
        raise UserError(
            f"--submit: the cluster at '{address}' asks for its token; set RAY_AUTH_TOKEN (there: ray get-auth-token)"
        ) from None
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise UserError(f"--submit: no Ray dashboard at '{address}': {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _url(address: str) -> str:
    return address if address == AUTO or "://" in address else f"http://{address}"


def _check_listens(address: str) -> None:
    """Something listens at ``[http://]host:port``: Ray itself would wait without a limit."""
    parts = urlsplit(_url(address))
    try:
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not parts.hostname:
            raise ValueError
    except (KeyError, ValueError):
        raise UserError(
            f"--submit: '{address}' is not http://HOST:PORT of a Ray dashboard, nor auto; its port is 8265 by default"
        ) from None
    try:
        socket.create_connection((parts.hostname, port), timeout=CONNECT_S).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"--submit: no Ray dashboard at '{address}' ({reason}); 'ray start --head' prints its address"
        ) from None


def _metadata(given: Namespace, name: str) -> dict[str, str]:
    """job_name: what Ray's Jobs page shows as the name."""
    return {"job_name": name, "study": name, "dataset": _dataset(given)}


def _dataset(given: Namespace) -> str:
    if given.resume:
        try:
            return open_study(given.study_dir or Path("studies"), given.resume).settings.dataset.name
        except UserError:  # its folder is the cluster's to see, not ours
            return "?"
    return str(given.dataset or "spoken-digits")


def _submit(client: Any, command: str, name: str, metadata: dict[str, str]) -> str:
    """Number the jobs of a study: a cluster takes each id once."""
    stem = re.sub(r"[^\w.-]", "-", name)
    known = {job.submission_id for job in client.list_jobs()}
    job = next(one for one in (stem, *(f"{stem}-{n}" for n in range(2, len(known) + 3))) if one not in known)
    package = Path(__file__).resolve().parents[2]
    environment = {
        # Where this Python and this package lie, if the head sees them; else its own are used.
        "PATH": f"{Path(sys.executable).parent}:${{PATH}}",
        "PYTHONPATH": f"{package}:${{PYTHONPATH}}",
        "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_S),
        **({CONSOLE_VARIABLE: "1"} if by_console() else {}),
    }
    # exec: no shell stands between Ray's signal and the study.
    return str(
        client.submit_job(
            entrypoint=f"exec {command}", submission_id=job, metadata=metadata, runtime_env={"env_vars": environment}
        )
    )


async def _follow(client: Any, job: str) -> None:
    async for lines in client.tail_job_logs(job):
        print(lines, end="", flush=True)


def _end(client: Any, given: Namespace, job: str, name: str) -> int:
    """How the job ended; the exit status of its driver."""
    info = client.get_job_info(job)
    state = str(getattr(info.status, "value", info.status))
    if state not in STATUSES:  # the connection closed early
        print(f"job {job} is {state.lower()}.\n{_how_to_look(given, job, name)}")
        return LOST_STATUS
    if state != "SUCCEEDED":
        again = shlex.join([*typed("launch").split(), "--resume", name, *_where(given), "--submit", given.submit])
        print(f"job {job} {state.lower()}. To go on with the study, once it has begun:\n  {again}")
    return STATUSES[state] if info.driver_exit_code is None or state == "STOPPED" else int(info.driver_exit_code)


def _how_to_look(given: Namespace, job: str, name: str) -> str:
    mode = "RAY_AUTH_MODE=token " if has_token() else ""  # Ray's commands, too, send none of themselves
    address = [] if given.submit == AUTO else ["--address", _url(given.submit)]
    lines = {
        "its lines": mode + shlex.join(["ray", "job", "logs", "--follow", *address, job]),
        "its state": shlex.join([*typed("status").split(), name, *_where(given)]),
        "to stop it": mode + shlex.join(["ray", "job", "stop", *address, job]),
    }
    return "\n".join(f"  {what:<12}{command}" for what, command in lines.items())


def _where(given: Namespace) -> list[str]:
    return [] if given.study_dir is None else ["--study-dir", str(given.study_dir)]
