#!/usr/bin/env bash
# Runs a checkout that behaves like InferenceX without changes: scripts of both scenarios are found by InferenceX's naming
# rule, get its environment, and leave their results in the checkout. Points of several servers are counted and fail with
# what they need.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

scripts=checkout/benchmarks/single_node
user mkdir -p $scripts/fixed_seq_len $scripts/agentic

# Like InferenceX's scripts with fixed lengths: checks its variables, starts a server that it never stops, and runs the
# client.
cat >$scripts/fixed_seq_len/dsr1_fp4_b200_sglang.sh <<'S'
#!/usr/bin/env bash
for name in MODEL TP CONC ISL OSL MAX_MODEL_LEN RESULT_FILENAME EP_SIZE DP_ATTENTION PP_SIZE DCP_SIZE PCP_SIZE \
  SPEC_DECODING RUN_EVAL SCENARIO_TYPE; do
  [[ -n ${!name} ]] || { echo "$name is not set" >&2; exit 1; }
done
echo "$SCENARIO_TYPE $SCENARIO_SUBDIR TP: $TP, GPUs: $GPU_COUNT, spec: $SPEC_DECODING, eval: $RUN_EVAL $EVAL_ONLY"
(setsid bash -c 'echo "Application startup complete."; sleep 601' >"/tmp/server-$$.log" 2>&1) &
until grep -q 'Application startup complete' "/tmp/server-$$.log"; do sleep 0.05; done
rm -f "/tmp/server-$$.log"
cpu-smoke
[[ $RUN_EVAL == true ]] || exit 0
echo '{"lm_eval_version": "0.4.9", "results": {"gsm8k": {"exact_match,strict-match": 0.97}}}' >"results_$RESULT_FILENAME.json"
echo '{"infmax_model_prefix": "dsr1", "hw": "b200", "framework": "sglang", "precision": "fp4"}' >meta_env.json
S
sed 's/^echo "/echo "of mtp: /' $scripts/fixed_seq_len/dsr1_fp4_b200_sglang.sh >$scripts/fixed_seq_len/dsr1_fp4_b200_mtp.sh

# Like its agentic scripts: a replay that leaves its artifacts, from which the record is made in the same job.
cat >$scripts/agentic/dsr1_fp4_b200_sglang.sh <<'S'
#!/usr/bin/env bash
[[ $IS_AGENTIC == 1 && $ISL == 0 && $KV_OFFLOADING == none && $DURATION == 3600 ]] || exit 1
export RESULT_DIR=results/$RESULT_FILENAME
mkdir -p "$RESULT_DIR/aiperf_artifacts"
for i in 1 2 3; do
  echo '{"metadata": {"benchmark_phase": "profiling", "request_start_ns": '$i'000000000, "request_end_ns": '$i'500000000},
    "metrics": {"request_latency": {"value": 500, "unit": "ms"}, "time_to_first_token": {"value": 50, "unit": "ms"},
    "inter_token_latency": {"value": 10, "unit": "ms"}, "input_sequence_length": {"value": 100},
    "output_sequence_length": {"value": 46}}}' | tr -d '\n'
  echo
done >"$RESULT_DIR/aiperf_artifacts/profile_export.jsonl"
echo '{"request_count": {"avg": 3}, "error_request_count": {"avg": 0}}' >"$RESULT_DIR/aiperf_artifacts/profile_export_aiperf.json"
sweepctl process-agentic && sweepctl validate-agentic "$RESULT_DIR/aiperf_artifacts" --failed-request-threshold 0.10
S
chmod -R a+rX checkout

cat >runners.yaml <<'R'
labels:
  b200: [b200-nb_0]
  "cluster:b200-nb": [b200-nb_0]
  gb200: [gb200-nv_0]
R
cat >master.yaml <<'M'
dsr1-fp4-b200-sglang:
  &base { image: lmsysorg/sglang:v1, model: deepseek-ai/DeepSeek-R1, model-prefix: dsr1, precision: fp4, framework: sglang,
          runner: b200, multinode: false, scenarios: { fixed-seq-len: [{ isl: 8192, osl: 1024, search-space: [
            { tp: 8, ep: 8, conc-start: 4, conc-end: 16 }, { tp: 4, dp-attn: true, conc-list: [4, 8] },
            { tp: 2, pp: 2, conc-list: [4] }, { tp: 4, conc-list: [4, 8], spec-decoding: mtp }] }] } }
dsr1-fp4-b200-sglang-agentic:
  <<: *base
  runner: cluster:b200-nb
  scenarios: { agentic-coding: [{ search-space: [{ tp: 8, kv-offloading: none, conc-list: [1, 2] },
                                                 { tp: 4, kv-offloading: none, conc-list: [1, 2] }] }] }
dsr1-fp8-gb200-dynamo-sglang:
  image: lmsysorg/sglang:v1
  model: deepseek-ai/DeepSeek-R1
  model-prefix: dsr1
  precision: fp8
  framework: dynamo-sglang
  runner: gb200
  multinode: true
  disagg: true
  kv-p2p-transfer: nixl
  scenarios:
    fixed-seq-len:
    - isl: 8192
      osl: 1024
      search-space:
      - prefill: { num-worker: 1, tp: 4, ep: 4, dp-attn: false }
        decode: { num-worker: 2, tp: 8, ep: 8, dp-attn: true }
        conc-list: [64, 128]
M
cat >site.yaml <<P
workspace: $WORK/checkout
runners: { b200: { nodes: ["n[1-4]"] }, "cluster:b200-nb": { nodes: ["n[1-4]"] }, gb200: { nodes: [n1] } }
timeouts: { kill-grace: 1s }
P

run sweepctl check master.yaml --profile site.yaml
status_is 0
out_has "  agentic-coding  b200          1     8       2"
out_has "  fixed-seq-len   gb200         5    20       2  gangs"
out_has "14 points of "

# Two nodes share the checkout. Therefore no evaluations: they leave files with fixed names.
run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=master.yaml --sweep-profile=site.yaml --sweep-output=out.d \
  --sweep-select='--no-evals' sweep-agent
status_is 1
err_has "12 of 14 points done, 2 failed"
err_has "needs 20 GPUs on 5 nodes for 3 servers"
json_is out.d/manifest.json '[.points[] | select(.state == "done")] | length' 12
json_is out.d/manifest.json '[.points[] | select(.state == "failed") | .attempts | length] | add' 0
fixed=(out.d/agg_dsr1_8k1k_fp4_sglang_tp2-pp2-*_conc4_n?.json)
json_is "${fixed[0]}" '[.tp, .pp, .infmax_model_prefix, .scenario, .is_multinode] | tostring' '[2,2,"dsr1","8k1k",false]'
agentic=(out.d/agg_dsr1_tp8_conc2_kvnone_*.json)
json_is "${agentic[0]}" '[.scenario, .num_requests_successful, .kv_offloading, .valid] | tostring' '["agentic-coding",3,"none",true]'
json_is out.d/agg_dsr1_agentic.json 'length' 4
[[ $(echo out.d/agg_*_kvnone.json) == 'out.d/agg_*_kvnone.json' ]] || fail "an agentic point has a collection of its own"
for log in out.d/logs/*spec-mtp*.out; do file_has "$log" "of mtp: fixed-seq-len fixed_seq_len/ TP: 4, GPUs: 4, spec: mtp"; done
for log in out.d/logs/*tp2-pp2*.out; do file_has "$log" "TP: 2, GPUs: 4, spec: none"; done
all_gone
[[ -z $(pgrep -f '^sleep 601$') ]] || fail "a server outlived its point"

# With evaluations, on one node. Only points of one node are selected: nothing is left to fail, and all files arrive.
run srun -N1 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=master.yaml --sweep-profile=site.yaml --sweep-output=one.d \
  --sweep-select='--single-node' sweep-agent
status_is 0
err_has "12 of 12 points done"
json_is one.d/manifest.json '[.points[] | select(.entry."run-eval") | .attempts[-1].evals[0].score] | length > 0 and all(. == 0.97)' true
all_gone

# With evaluations, on two nodes that share the checkout: the files of an evaluation arrive, or the point says why not.
run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=master.yaml --sweep-profile=site.yaml --sweep-output=two.d \
  --sweep-select='--single-node' sweep-agent
json_is two.d/manifest.json '[.points[] | select(.state == "done")] | length' 12
json_is two.d/manifest.json '[.points[] | select(.entry."run-eval") | .attempts[-1] | .evals[0].score == 0.97 or
  (.invalid_reasons | any(. == "no-score: files of the eval are missing: another attempt ran in the same directory at that time; give each node a workspace of its own"))] | length > 0 and all' true
all_gone

# The same two nodes, with a recipe whose evaluation uses the attempt's own folder: all files arrive.
cat >recipe.yaml <<P
workspace: $WORK/checkout
runners: { b200: { nodes: ["n[1-4]"] }, "cluster:b200-nb": { nodes: ["n[1-4]"] } }
timeouts: { kill-grace: 1s }
validity: { ignore: [input-length, output-length, client-bound] }
benchmark:
  server:
    command: exec sweep-simserver --model m --zero-latency --port "\$PORT"
    env: [TP]
    ready: { url: /health }
  client: { command: exec cpu-smoke }
  eval:
    command: |
      cd "\$EVAL_OUTPUT_DIR"
      echo '{"lm_eval_version": "0.4.9", "results": {"gsm8k": {"exact_match,strict-match": 0.97}}}' >results_1.json
      echo '{"infmax_model_prefix": "dsr1", "hw": "b200", "framework": "sglang", "precision": "fp4"}' >meta_env.json
P
run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=master.yaml --sweep-profile=recipe.yaml --sweep-output=own.d \
  --sweep-select='--single-node --scenario-type fixed-seq-len' sweep-agent
status_is 0
json_is own.d/manifest.json '[.points[] | select(.entry."run-eval") | .attempts[-1].evals[0].score] | length > 0 and all(. == 0.97)' true
all_gone
[[ -z $(ls -A checkout/.slurm-sweep) ]] || fail "the folders of attempts are still there"
