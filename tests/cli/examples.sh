#!/usr/bin/env bash
# Every sweep in the documents, the configurations' headers and the help texts passes `sweepctl check` as written, and asks
# Slurm for whole nodes (--exclusive), because results from shared nodes are not valid.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
make_sandbox

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
      --sweep-output=*) CHECK+=(--output "${word#*=}") ;;
      --sweep-repeat=*) CHECK+=(--repeat "${word#*=}") ;;
      --sweep-resume=auto) CHECK+=(--resume=auto) ;;
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

for file in configs/*.yaml configs/*/*.yaml; do
  while IFS=$'\t' read -r _ command; do
    [[ $command =~ ^(srun|sbatch|salloc|sweepctl)\ .*… ]] && bad "$file: this command cannot be typed: $command"
  done < <(examples "$file")
done

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
done < <(examples "${DOCUMENTS[@]}")
((count >= 12)) || bad "only $count examples were found"
exit "$FAILED"
