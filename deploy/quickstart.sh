#!/usr/bin/env bash
# From a fresh Debian 12 to a finished sweep on a real Slurm: packages, build, dev cluster, srun, results.
#
# Rules: needs root rights only for packages and the cluster's daemons (sudo, where the caller is not root); the
# sweep runs as the caller. A second run finds everything there and only runs the sweep.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
log=$build/quickstart.log

usage() {
  cat <<'USAGE'
Usage: deploy/quickstart.sh
Installs what is missing, builds slurm-sweep, starts a Slurm of four nodes with eight pretend GPUs each on this machine,
and runs a sweep of ten points on it: real requests of the real client, against servers that simulate their GPUs and stay
up from point to point. Results go into results_quickstart_<time>/ in the current directory. The cluster stays up to be
played with; deploy/devcluster down ends it.
USAGE
}

die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

begin=$SECONDS
step() { printf '\n== %s (after %d s)\n' "$*" $((SECONDS - begin)); }

case ${1-} in
  '') ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

step "packages"
"$root/deploy/install-packages.sh" --without-tests

step "build"
mkdir -p -- "$build"
[[ -w $build ]] || die "$build cannot be written: it was made by another user; remove it"
build() {
  cmake -S "$root" -B "$build" -G Ninja && cmake --build "$build" --target sweepctl sweep-agent spank_sweep sweep-bench sweep-simserver
}
build >"$log" 2>&1 || { tail -n 30 -- "$log" >&2; die "the build failed; all of its output is in $log"; }
echo "built $build/bin/{sweepctl,sweep-agent,sweep-bench,sweep-simserver} and $build/lib/spank_sweep.so"

step "dev cluster"
"$root/deploy/devcluster" up
eval "$("$root/deploy/devcluster" env)"

step "sweep"
output=results_quickstart_$(date +%Y%m%d_%H%M%S)
sweep=(srun --nodes=4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive
  --sweep-config="$root/configs/quickstart.yaml" --sweep-profile="$root/configs/profiles/quickstart.yaml"
  --sweep-output="$output" sweep-agent)
printf '$ %s\n' "${sweep[*]}"
"${sweep[@]}" || die "the sweep did not complete; see $output/summary.txt and $output/logs/"

step "what it left"
cat -- "$output/summary.txt"
printf '\nresults  %s\nplots    ' "$PWD/$output"
printf '%s\n' "$PWD/$output"/*.png | sed '2,$s/^/         /'
cat <<NEXT

The cluster is still up:
  eval "\$(deploy/devcluster env)"   # in $root; then srun, sinfo, sweepctl are the cluster's
  sweepctl status $PWD/$output
  deploy/devcluster down             # ends it and leaves nothing behind
NEXT
