# shellcheck shell=bash disable=SC2034 # the scripts that source this use the variables
# Common part of these tests. Sourced. Creates an empty work folder ($WORK), lists the commands, and defines functions for
# checks.
set -euo pipefail
export LC_ALL=C.UTF-8
: "${SWEEP_BUILD:?the build folder}"
SWEEPCTL=$SWEEP_BUILD/bin/sweepctl
AGENT=$SWEEP_BUILD/bin/sweep-agent
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
FAILED=0

bad() { printf 'FAILED: %s\n' "$*" >&2; FAILED=1; }
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
has_docs() { [[ -e $SWEEP_BUILD/docs/made ]] || skip "this build has no manual pages (see docs/CMakeLists.txt)"; }

commands() { # [COMMAND]: prints the commands that its help lists under "Commands:"
  "$SWEEPCTL" "$@" --help | awk '/^[^ ]/ { here = $0 == "Commands:" } here && /^  [^ ]/ { print $1 }'
}
options() { # COMMAND...: prints the long options in its help
  "$SWEEPCTL" "$@" --help | sed -nE '/^[Oo]ptions:$/,/^$/s/^ {2,6}(-[A-Za-z], )?(--[a-z0-9-]+).*/\2/p'
}
mapfile -t COMMANDS < <(commands)
mapfile -t MATRIX < <(commands matrix)
[[ ${#COMMANDS[@]} -ge 10 && ${#MATRIX[@]} -eq 5 ]] || { bad "sweepctl --help lists ${#COMMANDS[@]} commands"; exit 1; }
