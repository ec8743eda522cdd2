#!/usr/bin/env bash
# Runs every command in the documents, the configurations' headers and the help texts as it is written there, with
# stand-ins for the files and folders that it names. Commands that start a sweep in Slurm are checked by examples.sh.
# What would build, install or change the machine is not run: its script and options must exist.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
make_sandbox
export PATH=$SWEEP_BUILD/bin:$PATH GITHUB_STEP_SUMMARY=$WORK/step-summary MODEL=m PORT=1

# A sweep for the commands that read one.
cat >bench.sh <<'B'
#!/bin/sh
echo "Application startup complete."
cat >"$RESULT_FILENAME.json" <<RESULT
{"model_id": "$MODEL", "max_concurrency": $CONC, "completed": 4, "duration": 1.0, "total_token_throughput": 300.0,
 "output_throughput": 100.0, "median_ttft_ms": 10.0, "median_tpot_ms": 5.0, "median_e2el_ms": 50.0,
 "median_itl_ms": 5.0, "mean_ttft_ms": 10.0, "mean_tpot_ms": 5.0, "mean_e2el_ms": 50.0, "hardware": "cpu"}
RESULT
B
chmod +x bench.sh
install -m 755 bench.sh benchmark.sh
cp configs/recipes/simulated.yaml simulated.yaml
sweepctl run matrix.yaml --profile here.yaml --output two --quiet -- ./bench.sh || bad "the sweep of this test fails"
for copy in DIR results nightly results_dsr1_1k1k results_dsr1_1k1k_20261124_222153; do cp -r two "$copy"; done
cp two/raw/*conc64*.json dsr1_1k1k_fp8_sglang_tp8_conc64.json

# Evaluations, a record of InferenceX and jobs of GitHub for the commands that read those.
mkdir -p eval_results/a utils/evals records
evaluation='{"eval_concs": [16, 64], "completed_eval_concs": [16, 64], "failed_eval_concs": []}'
scores='{"lm_eval_version": "1", "results": {"gsm8k": {"exact_match,strict-match": 0.95}}}'
tee eval_results/a/meta_env.json >meta_env.json <<<"$evaluation"
tee eval_results/a/results_conc16.json results_conc16.json >results_conc64.json <<<"$scores"
echo 'default: {gsm8k: 0.9}' >utils/evals/thresholds.yaml
cat >records/agg_r.json <<'RECORD'
{"hw": "h200", "infmax_model_prefix": "dsr1", "model": "m", "framework": "vllm", "precision": "fp8", "tp": 8, "ep": 1,
 "dp_attention": "false", "isl": 1024, "osl": 1024, "conc": 64}
RECORD
echo '[]' >baseline.json
echo '{"jobs": [{"name": "b200", "conclusion": "success"}]}' >jobs.json
# An agentic run, for the commands that read one.
mkdir -p results/aiperf_artifacts
echo '{"request_count": {"avg": 1}, "start_time": 100, "end_time": 110}' >results/aiperf_artifacts/profile_export_aiperf.json
echo '{"metrics": {"input_sequence_length": 5, "output_sequence_length": 5}}' >results/aiperf_artifacts/profile_export.jsonl
# A repository with a changelog, for the commands of InferenceX's CI.
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
cat >configs/nvidia-master.yaml <<'M'
solo:
  { image: i, model: m, model-prefix: solo, precision: fp8, framework: vllm, runner: h200, multinode: false,
    scenarios: { fixed-seq-len: [{ isl: 8192, osl: 1024, search-space: [{ tp: 8, conc-list: [16] }] }] } }
M
echo '{}' >configs/amd-master.yaml
echo 'labels: { "cluster:b200": [b200-nb_0], h200: [h200_0] }' >configs/runners.yaml
echo '{ version: 1, base-score: 1, adjustments: {}, labels: { patchwork: { names: [], score: 0 } } }' >configs/ci-priority.yaml
echo '# changes' >perf-changelog.yaml
{ git init -q -b main . && git add configs perf-changelog.yaml && git commit -qm base && git checkout -qb topic; } ||
  bad "git cannot make the repository of this test"
echo '- { config-keys: [solo], description: [faster], pr-link: "#1" }' >>perf-changelog.yaml
git commit -qam change

program_of() { # COMMAND: prints the first word that is not a variable
  local word
  for word in $1; do
    [[ $word == *=* ]] && continue
    printf '%s\n' "$word"
    return
  done
}

has_options() { # COMMAND HELP: every long option of the command is in the help text
  local option
  while read -r option; do
    grep -q -e "$option\b" "$2" || bad "$option is not an option: $1"
  done < <(grep -oE ' --[a-z][a-z0-9-]*' <<<"${1%%#*}" | tr -d ' ' | sort -u)
}

run_it() { # COMMAND: runs it as written
  local status=0
  bash -c "$1" >out 2>err </dev/null || status=$?
  case $1 in
    *"sweepctl cancel "*) grep -q 'no sweep is running in' err && status=0 ;;
    *"sweepctl run --resume "*) grep -q 'nothing to resume: 5 of 5' err && status=0 ;;
    *"sweepctl check "*) status=0 ;;  # examples.sh knows which of these fail
  esac
  [[ $status == 0 ]] || bad "this example ends with status $status: $1: $(tail -n 3 err)"
}

count=0
while IFS=$'\t' read -r _ command; do
  [[ $command == *…* ]] && continue
  first=$(program_of "$command")
  case $first in
    sweepctl) run_it "$command" ;;
    sweep-bench | sweep-simserver) has_options "$command" "help/$first" ;;
    eval | deploy/* | tests/*)
      script=$(grep -oE '(deploy|tests)/[a-z/._-]+' <<<"$command" | head -n 1)
      [[ -x $ROOT/$script ]] || { bad "there is no $script: $command"; continue; }
      [[ $script == tests/run.sh || $script == deploy/local-image.sh ]] && continue  # their arguments are not options
      "$ROOT/$script" --help >script-help || bad "$script --help fails"
      has_options "$command" script-help
      ;;
    *) continue ;;
  esac
  count=$((count + 1))
done < <(examples "${DOCUMENTS[@]}")

# Commands within sentences and tables.
"$SWEEPCTL" serve --help >help/serve
for command in "${MATRIX[@]}"; do "$SWEEPCTL" matrix "$command" --help >>help/matrix; done
while IFS= read -r command; do
  name=$(cut -d ' ' -f 2 <<<"$command")
  [[ $name == help || $name == [A-Z-]* ]] && continue
  [[ -e help/$name ]] || { bad "there is no $command"; continue; }
  has_options "$command" "help/$name"
  count=$((count + 1))
done < <(cat "${DOCUMENTS[@]}" | tr '\n' ' ' | grep -oE '`sweepctl [^`…]*`' | tr -d '\`' | sort -u)
known=$(grep -aoE 'sweep-(config|[a-z]+(-[a-z]+)?)' "$SWEEP_BUILD/lib/spank_sweep.so" | sort -u)
while IFS= read -r option; do
  grep -qx -- "${option#--}" <<<"$known" || bad "$option is not an option of the plugin"
done < <(cat "${DOCUMENTS[@]}" | grep -oE -e '--sweep-[a-z]+(-[a-z]+)*' | sort -u)
((count >= 40)) || bad "only $count commands were found"
exit "$FAILED"
