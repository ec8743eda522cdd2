#!/usr/bin/env bash
# Tests that each command has a manual page that lists its options, that groff reports no warnings, and that a page
# depends only on its sources.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
has_docs
docs=$SWEEP_BUILD/docs

names_options() { # PAGE OPTION...
  local option
  for option in "${@:2}"; do
    grep -qF -- "fB${option//-/\\-}\\fR" "$1" || bad "$(basename -- "$1") does not name $option"
  done
}

for command in "${COMMANDS[@]}"; do
  page=$docs/man1/sweepctl-$command.1
  [[ -s $page ]] || { bad "no manual page for sweepctl $command"; continue; }
  mapfile -t names < <(options "$command")
  names_options "$page" "${names[@]}"
  for section in NAME SYNOPSIS DESCRIPTION OPTIONS '"EXIT STATUS"' EXAMPLES '"SEE ALSO"'; do
    [[ $(grep -cx ".SH $section" "$page") == 1 ]] || bad "$(basename -- "$page"): not one section $section"
  done
  grep -qF -- "fB${command//-/\\-}\\fR" "$docs/man1/sweepctl.1" || bad "sweepctl(1) does not name $command"
done
for command in "${MATRIX[@]}"; do
  mapfile -t names < <(options matrix "$command")
  names_options "$docs/man1/sweepctl-matrix.1" "${names[@]}"
done
for page in "$docs"/man1/{sweepctl,sweep-agent,sweep-simserver,sweep-bench}.1 "$docs/man7/sweep-config.7"; do
  [[ -s $page ]] || bad "no page $page"
done

# Every page of slurm-sweep that another page refers to must exist.
for page in "$docs"/man?/*; do
  while read -r name section; do
    [[ -s $docs/man$section/$name.$section ]] || bad "$(basename -- "$page") refers to $name($section), which does not exist"
  done < <(sed -nE 's/^\.BR (sweep[a-z\\-]*) \(([0-9])\).*/\1 \2/p' "$page" | tr -d '\\')
done

SOURCE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
"$SOURCE/docs/generate.sh" "$SWEEPCTL" "$AGENT" "$WORK/again" 0.0.0 2025-11-20
"$SOURCE/docs/generate.sh" "$SWEEPCTL" "$AGENT" "$WORK/twice" 0.0.0 2025-11-20
diff -r "$WORK/again" "$WORK/twice" || bad "two runs generate different pages"
for page in "$WORK"/again/man?/*; do
  head -n 3 "$page" | grep -q '^\.TH [-A-Z\\]* [17] "2025-11-20" "slurm\\-sweep 0.0.0"' || bad "no date or version in $page"
done

if command -v groff >/dev/null; then
  for page in "$docs"/man?/*; do
    said=$(groff -man -Tutf8 -ww -z "$page" 2>&1) || bad "groff fails on $page"
    [[ -z $said ]] || bad "groff warns: $said"
  done
else
  echo "groff is not installed (package groff-base), so its warnings were not checked"
fi
exit "$FAILED"
