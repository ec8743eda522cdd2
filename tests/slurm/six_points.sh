#!/usr/bin/env bash
# The main test: six points on 4 nodes x 8 GPUs as an ordinary user. Checks every file of the output directory.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

run srun -N4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-output=out.d ./cpu_smoke.sh
status_is 0
err_has "6 of 6 points done"

json_is out.d/sweep_configs.json length 6
json_is out.d/sweep_configs.json '[.[] | .conc] | sort' '[4,4,32,32,128,128]'
json_is out.d/manifest.json .complete true
json_is out.d/manifest.json '[.points[] | select(.state == "done")] | length' 6
json_is out.d/manifest.json '.agents | length' 4
json_is out.d/agg_dsr1_1k1k.json length 6
json_is out.d/agg_dsr1_1k1k.json '[.[] | .framework] | sort | unique' '["sglang","trt"]'
json_is out.d/agg_dsr1_1k1k.json '[.[] | .hw] | unique' '["b200"]'
json_is out.d/agg_dsr1_1k1k.json '[.[] | .ep] | add' 9
count_is 6 out.d/raw/*.json
count_is 6 out.d/agg_dsr1_1k1k_fp4_*.json
count_is 6 out.d/logs/*.out
count_is 2 out.d/tput_vs_*.png
for png in out.d/*.png; do
  [[ $(head -c 4 "$png" | tail -c 3) == PNG ]] || fail "$png is not a PNG file"
done
[[ $(grep -vc '^#' out.d/jobs.txt) == 6 ]] || fail "jobs.txt does not have six lines"
job=$(last_job)
[[ $(awk '!/^#/ {print $3}' out.d/jobs.txt | sort -u) == "$job.0" ]] || fail "jobs.txt does not name job $job.0"
[[ -z $(awk '!/^#/ {print $4}' out.d/jobs.txt | grep -v '^n[1-4]$') ]] || fail "jobs.txt names other nodes"
file_has out.d/summary.txt "| nvidia/DeepSeek-R1-0528-FP4-V2 | B200 | SGLANG | FP4 | 4 | 1 | false | 128 |"
file_has out.d/summary.txt "6 of 6 points done"

# The result and the benchmark's output agree, and sweepctl collect works on the raw results.
user sweepctl collect out.d/raw again >/dev/null
raw=$(ls out.d/raw | head -n 1)
name=${raw%.json}
file_has "out.d/logs/$name.attempt1.out" "wrote $name.json"
[[ ! -e $name.json ]] || fail "the result file was not removed from the workspace"
[[ ! -e out.d/sweep.control ]] || fail "the file with the sweep's key was not removed"
[[ -z $(find out.d ! -user "$(stat -c %U .)") ]] || fail "some files belong to another user"

# Afterwards the journal is a single file, and aggregate makes the same files from it.
count_is 0 out.d/sweep.db-wal out.d/sweep.db-shm
user cp -r out.d before
run sweepctl aggregate out.d
status_is 0
diff -r -x sweep.db -x '*.png' out.d before || fail "aggregate changed files"
run sweepctl status out.d --json
status_is 0
json_is out '[.state, .points.done, .points.total]' '["done",6,6]'

# A second sweep must not modify the directory.
run srun -N1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-output=out.d ./cpu_smoke.sh
status_is 1
err_has "it holds the results of another sweep"
all_gone
