#!/usr/bin/env bash
# Input errors must be reported before anything is allocated: one clear line, a nonzero exit status, no job.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

before=$(last_job)
refused() { # TEXT OPTION...
  local text=$1
  shift
  run srun -N4 --ntasks-per-node=1 --gpus-per-node=8 "$@" ./cpu_smoke.sh
  status_is 1
  err_has "$text"
  [[ $(grep -c '^sweepctl: ' err) == 1 ]] || fail "sweepctl did not print exactly one line"
  [[ $(last_job) == "$before" ]] || fail "a job was created"
}

printf 'a: [unclosed\n' >syntax.yaml
printf 'k: {image: i, model: m, model-prefix: p, precision: fp8, framework: f, runner: r, seq-len-configs: []}\n' >empty.yaml
printf 'timeouts: {benchmrk: 5m}\n' >profile.yaml
printf 'x' >file

refused "Input file 'no/such.yaml' does not exist." --sweep-config=no/such.yaml
refused "syntax.yaml" --sweep-config=syntax.yaml
refused "'seq-len-configs' must be a non-empty list for key 'k'" --sweep-config=empty.yaml
refused "No configs found matching filters: model-prefix=['gptoss']" --sweep-config=configs/dsr1-1k1k.yaml \
  --sweep-select='--model-prefix gptoss'
refused "did you mean --seq-lens?" --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--seq-len 1k1k --seq-lnes 1k1k'
refused "profile.yaml:1: unknown key 'benchmrk' in 'timeouts'; did you mean 'benchmark'?" \
  --sweep-config=configs/dsr1-1k1k.yaml --sweep-profile=profile.yaml
refused "cannot write to '/proc/results'" --sweep-config=configs/dsr1-1k1k.yaml --sweep-output=/proc/results
refused "is not a directory" --sweep-config=configs/dsr1-1k1k.yaml --sweep-output=file
for command in sbatch salloc; do
  printf '#!/bin/sh\ntrue\n' >script.sh
  run "$command" --sweep-config=no/such.yaml script.sh
  status_is 1
  err_has "Input file 'no/such.yaml' does not exist."
done
run srun --sweep-output=here true
status_is 1
err_has "--sweep-output requires --sweep-config=FILE or --sweep-resume"
[[ $(last_job) == "$before" ]] || fail "a job was created"
count_is 0 results_* here
all_gone
