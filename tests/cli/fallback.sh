#!/usr/bin/env bash
# Tests a sweep of which one point has a recipe, one the script of the workspace, and one neither: what is said before
# anything runs, and that the other points run.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$WORK"
export HOME=$WORK PATH=$SWEEP_BUILD/bin:$PATH SWEEP_AGENT=$AGENT
unset SLURM_JOB_ID

entry() { # FRAMEWORK
  cat <<E2
dsr1-fp4-b200-$1:
  image: acme/$1:1
  model: deepseek-ai/DeepSeek-R1-0528
  model-prefix: dsr1
  precision: fp4
  framework: $1
  runner: b200
  multinode: false
  scenarios:
    fixed-seq-len:
    - { isl: 64, osl: 4, search-space: [{ tp: 8, conc-list: [2] }] }
E2
}
{ entry sglang; entry vllm; entry trt; } >master.yaml

mkdir -p recipes workspace/benchmarks/single_node/fixed_seq_len
bench='sweep-bench --model "$MODEL" --base-url "http://127.0.0.1:$PORT" --random-input-len "$ISL" --random-output-len "$OSL" --random-range-ratio "$RANDOM_RANGE_RATIO" --num-prompts 4 --max-concurrency "$CONC" --ignore-eos --save-result --ready-timeout 20 --result-filename "$RESULT_FILENAME.json"'
server='sweep-simserver --model "$MODEL" --architecture dsr1 --hardware b200 --zero-latency --port "$PORT"'
printf 'server:\n  command: |\n    exec %s\n  env: [MODEL]\n  ready: { url: /health }\nclient:\n  command: |\n    exec %s\n' \
  "$server" "$bench" >recipes/sglang.yaml
printf '%s & server=$!\n%s; status=$?\nkill $server; wait $server 2>/dev/null; exit $status\n' "$server" "$bench" \
  >workspace/benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200.sh
printf '{ workspace: workspace, benchmark: "./recipes/{framework}.yaml", gpus: ignore, strict: no }\n' >profile.yaml

status=0
"$SWEEPCTL" check master.yaml --select '--no-evals' --profile profile.yaml >out 2>err || status=$?
[[ $status == 0 ]] || bad "check: status $status: $(cat err)"
grep -qx '3 points of dsr1_64_4, .*' out || bad "check does not count the points: $(cat out)"
grep -q "^sweepctl: note: 1 point (.* vllm .*) runs benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200.sh of the workspace '$WORK/workspace': there is no recipe '$WORK/recipes/vllm.yaml'" err ||
  bad "check does not name the script that replaces a recipe: $(cat err)"
grep -q "^sweepctl: cannot run 1 point (.* trt .*): there is no recipe '$WORK/recipes/trt.yaml', and none of benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_trt.sh, .* exists in the workspace '$WORK/workspace'; write the recipe (others in its folder: sglang), correct 'workspace' in the profile (profile.yaml:1), or select other points" err ||
  bad "check does not name the point that cannot run: $(cat err)"

# As the plugin calls it, the lines are the same.
"$SWEEPCTL" check --quiet master.yaml --select '--no-evals' --profile profile.yaml -- sweep-agent >quiet 2>&1 || bad "check --quiet fails: $(cat quiet)"
[[ $(grep -c 'vllm\|trt' quiet) == 2 ]] || bad "check --quiet says something else: $(cat quiet)"
# With a benchmark on the command line, the profile's is not run.
"$SWEEPCTL" check --quiet master.yaml --select '--no-evals' --profile profile.yaml -- true >other 2>&1 || bad "check -- true: $(cat other)"
[[ ! -s other ]] || bad "check -- true speaks of recipes: $(cat other)"

status=0
"$SWEEPCTL" check master.yaml --select '--no-evals --framework trt' --profile profile.yaml >out 2>err || status=$?
[[ $status == 1 ]] && grep -q '^sweepctl: cannot run 1 point' err || bad "without a point that can run: status $status: $(cat err)"

status=0
"$SWEEPCTL" run master.yaml --select '--no-evals' --profile profile.yaml --output o >out 2>&1 </dev/null || status=$?
[[ $status == 1 ]] || bad "run: status $status, expected 1 because a point fails: $(cat out)"
grep -q 'note: 1 point (.* vllm .*) runs benchmarks' out && grep -q 'cannot run 1 point (.* trt ' out || bad "run does not say what is missing: $(cat out)"
[[ $(jq -r '[.points[] | .state] | join(" ")' o/manifest.json) == "done done failed" ]] || bad "run: $(cat out)"
grep -q "no script of this point is in $WORK/workspace; looked for: " o/logs/*trt*.err || bad "the log of the point without a benchmark: $(cat o/logs/*trt*)"
exit "$FAILED"
