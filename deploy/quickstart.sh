#!/usr/bin/env bash
# Takes a fresh Debian 12 to a finished sweep on a real Slurm: packages, build, dev cluster, srun, results.
#
# Rules: only the packages and the cluster's daemons need root rights (through sudo if the caller is not root); the
# sweep runs as the caller. A second run skips everything that already exists and only runs the sweep.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
log=$build/quickstart.log

usage() {
  cat <<'USAGE'
Usage: deploy/quickstart.sh
Installs missing packages, builds slurm-sweep, and starts a Slurm cluster on this machine with four nodes of eight
simulated GPUs each. Then runs a sweep of ten points on the cluster. The real client sends real requests to servers that
simulate their GPUs and keep running between points. Results go to results_quickstart_<time>/ in the current directory,
whose path is printed first.
The cluster keeps running so that you can try more; deploy/devcluster down stops and removes it.
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

output=results_quickstart_$(date +%Y%m%d_%H%M%S)
[[ -w $PWD ]] || die "cannot write to $PWD, where the results are to be; change to another directory"
echo "The results will be in $PWD/$output"

step "packages"
"$root/deploy/install-packages.sh" --without-tests

step "build"
mkdir -p -- "$build"
[[ -w $build ]] || die "cannot write to $build: another user created it; remove it"
build() {
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_UNITY_BUILD=ON &&
    NINJA_STATUS='[%f/%t] ' cmake --build "$build" \
      --target sweepctl sweep-agent spank_sweep sweep-bench sweep-simserver cpu-smoke docs
}

# The build takes about 320 s of processor time.
cores=$(nproc)
minutes=$(((320 / cores + 59) / 60))

# Prints how long the rest of the build will take at the speed so far. "": not known yet, or done.
time_left() { # FINISHED TOTAL SECONDS
  (($1 >= 10 && $1 < $2)) || return 0
  local seconds=$(($3 * ($2 - $1) / $1))
  if ((seconds > 90)); then printf ', about %d min left' $(((seconds + 30) / 60)); else printf ', about %d s left' $seconds; fi
}

# Reads the build's output and prints how many of its steps are done: on a terminal in one line that is rewritten,
# otherwise a line every 20 steps and at the last one.
show_progress() {
  local line finished total next=20 terminal=no shown=no start=$SECONDS
  [[ ! -t 1 || ${TERM-dumb} == dumb ]] || terminal=yes
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
    finished=$((10#${BASH_REMATCH[1]})) total=$((10#${BASH_REMATCH[2]}))
    if [[ $terminal == yes ]]; then
      printf '\r\033[K[%d/%d]%s' "$finished" "$total" "$(time_left "$finished" "$total" $((SECONDS - start)))"
      shown=yes
    elif ((finished >= next || finished == total)); then
      printf '[%d/%d]%s\n' "$finished" "$total" "$(time_left "$finished" "$total" $((SECONDS - start)))"
      next=$(((finished / 20 + 1) * 20))
    fi
  done
  [[ $shown == no ]] || echo
}

echo "The first build takes about $minutes min on $cores cores; its complete log is in $log"
build </dev/null 2>&1 | tee -- "$log" | show_progress ||
  { tail -n 30 -- "$log" >&2; die "the build failed; its complete log is in $log"; }
echo "built $build/bin/{sweepctl,sweep-agent,sweep-bench,sweep-simserver,cpu-smoke}, $build/lib/spank_sweep.so, and in"
echo "$build/docs manual pages and completion"

step "dev cluster"
"$root/deploy/devcluster" up
eval "$("$root/deploy/devcluster" env)"

step "sweep"
sweep=(srun --nodes=4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive
  --sweep-config="$root/configs/quickstart.yaml" --sweep-profile="$root/configs/profiles/quickstart.yaml"
  --sweep-output="$output" sweep-agent)
printf '$ %s\n' "${sweep[*]}"
"${sweep[@]}" || {
  [[ -e $output/summary.txt ]] || die "the sweep did not run; see the messages above"
  die "not every point is done and has a valid result; see $output/summary.txt and $output/logs/"
}

step "results"
cat -- "$output/summary.txt"
printf '\nresults  %s\n' "$PWD/$output"
[[ -z $(compgen -G "$output/*.png") ]] || printf 'plot     %s\n' "$PWD/$output"/*.png
cat <<NEXT

The cluster is still running. In $root:
  eval "\$(deploy/devcluster env)"   # then srun, sinfo and sweepctl are those of the cluster
  sweepctl status $PWD/$output
  man -M $build/docs sweepctl        # also sweep-config and the others; sweepctl help COMMAND is shorter
  . $build/docs/completions/sweepctl # completion of sweepctl in this bash
  deploy/devcluster down             # stops the cluster and removes all of its files
NEXT
