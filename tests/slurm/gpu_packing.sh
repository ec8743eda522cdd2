#!/usr/bin/env bash
# packing: gpu. Two points of four GPUs share a node with eight; each gets its own GPUs and port.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

printf 'packing: gpu\n' >profile.yaml
user mkfifo meet
# Each benchmark waits for the other, so they can end only if both run at the same time.
benchmark pair.sh <<S
#!/bin/bash
echo "gpus \$CUDA_VISIBLE_DEVICES port \$PORT"
if [[ \$CONC == 4 ]]; then echo here >$WORK/meet; else read -t 60 line <$WORK/meet || exit 1; fi
exec ./cpu_smoke.sh
S
cat >pair.yaml <<'C'
dsr1-fp4-b200-sglang:
  image: i
  model: m
  framework: sglang
  search-space:
    - { tp: 4, conc-start: 4, conc-end: 4 }
    - { tp: 4, conc-start: 8, conc-end: 8 }
C
run srun -N1 --gpus-per-node=8 --exclusive --sweep-config=pair.yaml --sweep-profile=profile.yaml --sweep-output=pair.d ./pair.sh
status_is 0
[[ $(sed -n 's/^gpus \(.*\) port.*/\1/p' pair.d/logs/*.out | sort | tr '\n' ' ') == "0,1,2,3 4,5,6,7 " ]] || fail "the points share GPUs"
[[ $(sed -n 's/^gpus .* port \(.*\)/\1/p' pair.d/logs/*.out | sort -u | wc -l) == 2 ]] || fail "the points share a port"
all_gone
