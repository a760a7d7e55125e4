#!/bin/bash
# A study on Slurm: `sbatch docs/slurm/study.sh NAME --dataset thumos14 --num-samples 64`.
#
# Runs `study.launch` on all nodes of the job, stops in order before the time limit, and puts the job back into the queue;
# there it goes on with --resume, until the study has ended. As an array (`sbatch --array=0-2 docs/slurm/study.sh NAME ...`)
# each task is a study of its own, NAME-0, NAME-1, ..., on the seed of its number.
#
#SBATCH --job-name=refineloc
#SBATCH --nodes=1 --ntasks-per-node=1 --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@300   # to this script, five minutes before the limit (Slurm may be a minute early)
#SBATCH --requeue --open-mode=append
# GPUs, where there are some: sbatch --gpus-per-node=4 docs/slurm/study.sh ...
set -euo pipefail

name=${1:?usage: sbatch study.sh NAME [options of study.launch]}
shift
studies=${STUDY_DIR:-studies}   # seen by all nodes
venv=${VENV:-.venv}             # likewise; the job starts in the folder from which it was submitted
cores=${SLURM_CPUS_PER_TASK:-1}
gpus=${SLURM_GPUS_ON_NODE:-0}
source "$venv/bin/activate"

if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
  name=$name-$SLURM_ARRAY_TASK_ID
  set -- "$@" --seed "$SLURM_ARRAY_TASK_ID"
fi
what=(--name "$name" "$@")
[ -e "$studies/$name/study.json" ] && what=(--resume "$name")

if [ "${SLURM_JOB_NUM_NODES:-1}" -gt 1 ]; then
  # One Ray node per Slurm node, the head on this one; the port differs between jobs that share a machine.
  port=$((20000 + SLURM_JOB_ID % 20000))
  head=$(hostname)
  export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=${RAY_AUTH_TOKEN:-$(python -c 'import secrets; print(secrets.token_hex(32))')}
  srun --nodes=1 --ntasks=1 --nodelist="$head" --cpus-per-task="$cores" \
    ray start --head --port="$port" --num-cpus="$cores" --num-gpus="$gpus" --block &
  srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --exclude="$head" --cpus-per-task="$cores" \
    ray start --address="$head:$port" --num-cpus="$cores" --num-gpus="$gpus" --block &
  python - "$head:$port" "$SLURM_JOB_NUM_NODES" <<'PY'   # waits for the nodes, not for a number of seconds
import sys, time
import ray

deadline = time.monotonic() + 300
while True:
    try:
        ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
        if sum(node["Alive"] for node in ray.nodes()) >= int(sys.argv[2]):
            break
        ray.shutdown()
    except (ConnectionError, RuntimeError):
        pass
    if time.monotonic() > deadline:
        sys.exit(f"error: the {sys.argv[2]} nodes of the job did not join Ray at {sys.argv[1]} within 300 s")
    time.sleep(2)
PY
  what+=(--address "$head:$port")
fi

iterations() { { cat "$studies/$name/ledger.jsonl" 2>/dev/null || true; } | grep -c '"event": "iteration"' || true; }   # 0 without a ledger
before=$(iterations)
python -m study.launch "${what[@]}" --study-dir "$studies" &
study=$!
stopped=
trap 'stopped=1; kill -TERM $study 2>/dev/null || true' USR1 TERM
status=0
wait "$study" || status=$?
# `wait` returns when a signal comes; the study is given the time that it needs to stop.
while kill -0 "$study" 2>/dev/null; do status=0; wait "$study" || status=$?; done
if [ -n "$stopped" ] && [ "$status" -ne 0 ]; then
  if [ "$(iterations)" = "$before" ]; then   # it would go round for ever
    echo "error: no iteration of study $name ended within the job's time: submit with a longer --time (now: --resume $name)" >&2
    exit "$status"
  fi
  echo "study $name stopped before the time limit (status $status); job $SLURM_JOB_ID goes back into the queue"
  scontrol requeue "$SLURM_JOB_ID"
  exit 0
fi
exit "$status"
