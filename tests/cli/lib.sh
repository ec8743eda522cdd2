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

commands() { # [COMMAND]: prints the commands that its help lists under headings that begin with "Commands"
  "$SWEEPCTL" "$@" --help | awk '/^[^ ]/ { here = /^Commands/ } here && /^  [^ ]/ { print $1 }'
}
options() { # COMMAND...: prints the long options in its help
  "$SWEEPCTL" "$@" --help | sed -nE '/^[Oo]ptions:$/,/^$/s/^ {2,6}(-[A-Za-z], )?(--[a-z0-9-]+).*/\2/p'
}
mapfile -t COMMANDS < <(commands)
mapfile -t MATRIX < <(commands matrix)
[[ ${#COMMANDS[@]} -ge 10 && ${#MATRIX[@]} -eq 5 ]] || { bad "sweepctl --help lists ${#COMMANDS[@]} commands"; exit 1; }

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)

# Enters the work folder, with everything that commands in the documents need: help texts, configurations, and stand-ins
# for the files that they name. The matrix names two hardware types, as InferenceMAX's does. Sets DOCUMENTS to the files
# that have commands.
make_sandbox() {
  cp -r -- "$ROOT/configs" "$WORK/configs"
  mkdir -- "$WORK/help"
  local command program
  "$SWEEPCTL" --help >"$WORK/help/sweepctl"
  for program in sweep-agent sweep-bench sweep-simserver; do "$SWEEP_BUILD/bin/$program" --help >"$WORK/help/$program"; done
  for command in "${COMMANDS[@]}"; do "$SWEEPCTL" "$command" --help >"$WORK/help/$command"; done
  # The pages are generated from the help texts, but this one is written by hand.
  awk '/^\.nf$/ { code = 1; next } /^\.fi$/ { code = 0; print "" }
    code { gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print "    " $0 }' "$ROOT/docs/man/sweep-config.7" >"$WORK/help/sweep-config"
  cd -- "$WORK" || exit
  export HOME=$WORK
  unset SLURM_JOB_ID
  { entry fp4 b200; entry fp8 h200; } >nvidia-master.yaml
  entry fp4 b200 >matrix.yaml
  printf 'gpus: ignore\n' >here.yaml
  printf '#!/bin/sh\n' | tee bench.sh >benchmark.sh # of which the second is not executable
  chmod +x bench.sh
  printf 'workspace: /home/me/InferenceMAX\n' | tee profile.yaml >site.yaml
  DOCUMENTS=("$ROOT"/README.md "$ROOT"/CONTRIBUTING.md "$ROOT"/docs/*.md "$ROOT"/benchmarks/sweep-*/README.md
    configs/*.yaml configs/*/*.yaml help/*)
}

entry() { # PRECISION RUNNER
  cat <<E
dsr1-$1-$2-sglang:
  image: lmsysorg/sglang:v0.5.5
  model: deepseek-ai/DeepSeek-R1-0528
  model-prefix: dsr1
  precision: $1
  framework: sglang
  runner: $2
  seq-len-configs:
  - { isl: 1024, osl: 1024, search-space: [{ tp: 8, conc-start: 4, conc-end: 64 }] }
E
}

# Prints each command of the files on one line, after "fails" if an error message follows it, else after "passes".
examples() { # FILE...
  awk '
    function flush() { if (command != "") print "passes\t" command; command = "" }
    FNR == 1 { flush(); open = 0 }
    !/^(    |#   )/ { flush(); open = 0; next }
    { text = $0; sub(/^#? +/, "", text); sub(/^\$ /, "", text) }
    text ~ /^sweepctl: / { if (command != "") print "fails\t" command; command = ""; next }
    { if (open) command = command " " text; else { flush(); command = text } open = sub(/ *\\$/, "", command) || text ~ /\|$/ }
    END { flush() }' "$@"
}
