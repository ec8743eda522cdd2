#!/usr/bin/env bash
# dsr1_fp4_b200_sglang.yaml as one script: a server of its own, its client, and the end of both.
# Printed by 'sweepctl script dsr1_fp4_b200_sglang.yaml'; change the recipe, and print it again.
#
# DeepSeek-R1 in FP4 on B200 with SGLang.
#
# Flags: InferenceMAX, benchmarks/dsr1_fp4_b200_slurm.sh (github.com/SemiAnalysisAI/InferenceX at b4f2867f), but for the host, which is
# this node alone. There the interval between two looks at new requests follows from the concurrency, 10 below 16
# and 30 from there on: so points on the same side of 16 share a server.

# A benchmark's variables (MODEL, TP, CONC, RESULT_FILENAME, ...), and three of its own: PORT; SERVER_LOG, a file;
# SERVER_TIMEOUT, seconds until the server must be ready.
export PORT="${PORT:-8888}"
SERVER_LOG="${SERVER_LOG:-${RESULT_FILENAME:-benchmark}.server.log}"
SERVER_TIMEOUT="${SERVER_TIMEOUT:-1800}"
: "${MODEL?is not set, and this benchmark needs it}"
: "${TP?is not set, and this benchmark needs it}"
: "${EP_SIZE?is not set, and this benchmark needs it}"
: "${CONC?is not set, and this benchmark needs it}"

step() { # NUMBER STEP...: the largest STEP that is not above NUMBER, or else the first
  local number=$1 value=$2 next
  for next in "${@:2}"; do ((next > number)) || value=$next; done
  echo "$value"
}
CONC_FROM=$(step "$CONC" 1 16)
export CONC_FROM

run_server() (
export PYTHONNOUSERSITE=1
exec python3 -m sglang.launch_server --model-path "$MODEL" --host 127.0.0.1 --port "$PORT" --trust-remote-code \
  --tensor-parallel-size "$TP" --data-parallel-size 1 --ep-size "$EP_SIZE" --quantization modelopt_fp4 \
  --cuda-graph-max-bs 256 --max-running-requests 256 --mem-fraction-static 0.85 --kv-cache-dtype fp8_e4m3 \
  --chunked-prefill-size 16384 --enable-flashinfer-allreduce-fusion --enable-symm-mem --disable-radix-cache \
  --scheduler-recv-interval "$((CONC_FROM >= 16 ? 30 : 10))" --attention-backend trtllm_mla \
  --moe-runner-backend flashinfer_trtllm --stream-interval 10
)

run_client() (
exec sweep-bench --model "$MODEL" --backend sglang --base-url "http://127.0.0.1:$PORT" \
  --dataset-name random --random-input-len "$ISL" --random-output-len "$OSL" \
  --random-range-ratio "$RANDOM_RANGE_RATIO" --num-prompts "$((CONC * ${PROMPTS_PER_CONC:-10}))" \
  --max-concurrency "$CONC" --request-rate inf --ignore-eos --save-result \
  --percentile-metrics ttft,tpot,itl,e2el --result-filename "$RESULT_FILENAME.json"
)

ready() { curl -fs -m 10 -o /dev/null "http://127.0.0.1:$PORT"/health; }

give_up() {
  echo "$1" >&2
  [[ ! -s $SERVER_LOG ]] || { echo "the last lines of $SERVER_LOG:" && tail -n 12 -- "$SERVER_LOG"; } >&2
  exit 1
}

server_lives() { kill -0 "$server" 2>/dev/null; }

stop() { # GROUP: what is left of it
  kill -TERM -- "-$1" 2>/dev/null || return 0
  local tenths
  for ((tenths = 0; tenths < 100; tenths++)); do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null
}

stop_all() {
  trap '' INT TERM
  local group
  for group in $shown $client $server; do stop "$group"; done
}

! (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null ||
  give_up "port $PORT of this machine is taken by another process; choose one with PORT"
: >"$SERVER_LOG" || exit 1

server='' client='' shown=''
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
set -m # each of the two in a process group of its own, which can be stopped as a whole
run_server >"$SERVER_LOG" 2>&1 </dev/null &
server=$!

tail --pid="$server" -n +1 -f -- "$SERVER_LOG" &
shown=$!
SECONDS=0
until ready; do
  server_lives || give_up "the server ended before it was ready"
  ((SECONDS < SERVER_TIMEOUT)) || give_up "the server was not ready within $SERVER_TIMEOUT s"
  sleep 1
done
stop "$shown"
shown=''

run_client </dev/null &
client=$!
wait "$client"
status=$?
client=''
server_lives || give_up "the server ended while the client ran"
exit "$status"
