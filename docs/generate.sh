#!/usr/bin/env bash
# Generates manual pages and bash completion from the programs' --help. The build runs it.
#
#   docs/generate.sh SWEEPCTL SWEEP_AGENT OUT VERSION DATE [PROGRAM]...
#
# Writes OUT/man1, OUT/man7 and OUT/completions completely, or fails and leaves them unchanged. DATE may be empty. The
# commands are those that sweepctl --help lists, so a new command gets its page and completion without a change here.
# Each further PROGRAM gets a page whose summary is the first sentence of its help.
set -euo pipefail
export LC_ALL=C

sweepctl=$1 agent=$2 out=$3 version=$4 date=$5
shift 5
docs=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
mkdir -p -- "$out"
work=$(mktemp -d "$out/new.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
mkdir -- "$work/help" "$work/man1" "$work/man7" "$work/completions"

listed() { # FILE: prints name and summary of each command in a help text
  awk 'function done() { if (name != "") print name "\t" substr(text, 2); name = "" }
    /^[^ ]/ { done(); here = /^Commands/; next }
    here && /^  [^ ]/ { done(); name = $1; $1 = ""; text = $0; next }
    here && NF { $1 = $1; text = text " " $0 }
    END { done() }' "$1"
}

page() { # NAME SUMMARY HELP...
  local name=$1 summary=$2 include=$docs/man/$1.inc
  shift 2
  [[ -e $include ]] || include=
  awk -v name="$name" -v summary="$summary" -v version="$version" -v date="$date" -v include="$include" \
    -f "$docs/help_to_man.awk" -- "$@" >"$work/man1/$name.1"
}

first_sentence() { # FILE: prints the first sentence of a help text, "an example of it" for "An example of it. And more."
  awk '!NF { here = 1; next } here { text = text " " $0 } text ~ /\.( |$)/ { exit }
    END { sub(/\.( .*)?$/, "", text); print tolower(substr(text, 2, 1)) substr(text, 3) }' "$1"
}

cd -- "$work/help"
"$sweepctl" --help >sweepctl.txt
page sweepctl "inference benchmark sweeps on Slurm GPU clusters" sweepctl.txt
texts=(sweepctl.txt)
while IFS=$'\t' read -r command summary; do
  "$sweepctl" "$command" --help >"sweepctl $command.txt"
  own=()
  while IFS=$'\t' read -r name _; do
    "$sweepctl" "$command" "$name" --help >"sweepctl $command $name.txt"
    own+=("sweepctl $command $name.txt")
  done < <(listed "sweepctl $command.txt")
  page "sweepctl-$command" "$summary" "sweepctl $command.txt" "${own[@]}"
  texts+=("sweepctl $command.txt" "${own[@]}")
done < <(listed sweepctl.txt)
"$agent" --help >sweep-agent.txt
page sweep-agent "run the benchmarks of a sweep as a task of a Slurm step" sweep-agent.txt
for program in "$@"; do
  name=$(basename -- "$program")
  "$program" --help >"$name.txt"
  page "$name" "$(first_sentence "$name.txt")" "$name.txt"
done
sed -e "s/@VERSION@/$version/" -e "s/@DATE@/$date/" "$docs/man/sweep-config.7" >"$work/man7/sweep-config.7"

{
  echo "# bash completion for sweepctl. The build generates the tables from --help (docs/generate.sh)."
  awk -f "$docs/help_to_completion.awk" -- "${texts[@]}"
  echo
  cat -- "$docs/completion.bash"
} >"$work/completions/sweepctl"

for part in man1 man7 completions; do
  rm -rf -- "${out:?}/$part"
  mv -- "$work/$part" "$out/$part"
done
