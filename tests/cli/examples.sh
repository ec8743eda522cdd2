#!/usr/bin/env bash
# Every sweep in the documents, the configurations' headers and the help texts passes `sweepctl check` as written, and asks
# Slurm for whole nodes (--exclusive), because results from shared nodes are not valid.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
cp -r -- "$ROOT/configs" "$WORK/configs"
mkdir -- "$WORK/help"
"$AGENT" --help >"$WORK/help/agent"
"$SWEEPCTL" --help >"$WORK/help/sweepctl"
for command in "${COMMANDS[@]}"; do "$SWEEPCTL" "$command" --help >"$WORK/help/$command"; done
cd -- "$WORK" || exit
export HOME=$WORK
unset SLURM_JOB_ID

# Stand-ins for the files that the examples name. The matrix names two hardware types, as InferenceMAX's does.
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
{ entry fp4 b200; entry fp8 h200; } >nvidia-master.yaml
entry fp4 b200 >matrix.yaml
printf 'gpus: ignore\n' >here.yaml
printf '#!/bin/sh\n' | tee bench.sh >benchmark.sh # of which the second is not executable
chmod +x bench.sh
printf 'workspace: /home/me/InferenceMAX\n' | tee profile.yaml >site.yaml

# Prints each command of the files on one line, after "fails" if an error message follows it, else after "passes".
examples() { # FILE...
  awk '
    function flush() { if (command != "") print "passes\t" command; command = "" }
    FNR == 1 { flush(); open = 0 }
    !/^(    |#   )/ { flush(); open = 0; next }
    { text = $0; sub(/^#? +/, "", text); sub(/^\$ /, "", text) }
    text ~ /^sweepctl: / { if (command != "") print "fails\t" command; command = ""; next }
    { if (open) command = command " " text; else { flush(); command = text } open = sub(/ *\\$/, "", command) }
    END { flush() }' "$@"
}

# Sets CHECK to the arguments of sweepctl check for a command that starts or checks a sweep; empty for others.
arguments_of() { # COMMAND
  local word words=() after='' file=''
  CHECK=()
  mapfile -t words < <(xargs -n 1 printf '%s\n' <<<"$1" 2>/dev/null)
  for word in "${words[@]}"; do
    if [[ -n $after ]]; then
      CHECK+=("$after" "$word")
      after=''
      continue
    fi
    case $word in
      --sweep-config=*) file=${word#*=} ;;
      --sweep-select=*) CHECK+=(--select "${word#*=}") ;;
      --sweep-profile=*) CHECK+=(--profile "${word#*=}") ;;
      --select | --profile) after=$word ;;
      check | run) if [[ $file == sweepctl ]]; then file='?'; fi ;;
      sweepctl) file=sweepctl ;;
      --resume | --sweep-resume) file='' && break ;;
      -- | '|') break ;;
      -*) ;;
      *)
        if [[ $file == '?' ]]; then file=$word; fi
        ;;
    esac
  done
  if [[ -f $file ]]; then CHECK=(check "$file" "${CHECK[@]}"); else CHECK=(); fi
  # shellcheck disable=SC2206 # words of a simple command
  if ((${#CHECK[@]} > 0)) && [[ $1 =~ ^sweepctl\ check\ .*\ --\ (.*)$ ]]; then CHECK+=(-- ${BASH_REMATCH[1]}); fi
}

count=0
while IFS=$'\t' read -r want command; do
  if [[ $command =~ ^(srun|sbatch|salloc)\ .*(--sweep-config=|sweepctl run) && $command != *…* && $command != *--exclusive* ]]; then
    bad "this example does not ask for whole nodes: $command"
  fi
  arguments_of "$command"
  ((${#CHECK[@]} > 0)) || continue
  count=$((count + 1))
  got=passes
  "$SWEEPCTL" "${CHECK[@]}" >out 2>err || got=fails
  [[ $got == "$want" ]] || bad "this example $got: $command: $(cat err)"
done < <(examples "$ROOT"/README.md "$ROOT"/docs/*.md configs/*.yaml configs/*/*.yaml help/*)
((count >= 12)) || bad "only $count examples were found"
exit "$FAILED"
