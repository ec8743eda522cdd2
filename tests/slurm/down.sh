#!/usr/bin/env bash
# Stops the cluster of the tests and checks that it leaves nothing behind.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
[[ -d $SWEEP_CLUSTER ]] || { echo "skipped: there was no cluster"; exit 77; }
"$root/deploy/devcluster" down --dir "$SWEEP_CLUSTER"
[[ ! -e $SWEEP_CLUSTER ]] || { echo "$SWEEP_CLUSTER still exists" >&2; exit 1; }
if pgrep -fa -- "$SWEEP_CLUSTER"; then
  echo "these processes of the cluster still run" >&2
  exit 1
fi
