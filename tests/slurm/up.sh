#!/usr/bin/env bash
# Starts the Slurm cluster of the tests.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
PATH=$PATH:/usr/sbin:/sbin
command -v slurmctld >/dev/null && command -v munged >/dev/null ||
  skip "Slurm is not installed; install it with deploy/install-packages.sh"
[[ $EUID == 0 ]] || sudo -n true 2>/dev/null || skip "no root rights to start Slurm's daemons"
"$root/deploy/devcluster" down --dir "$SWEEP_CLUSTER"
"$root/deploy/devcluster" up --nodes 4 --gpus 8 --build "$SWEEP_BUILD" --dir "$SWEEP_CLUSTER"
