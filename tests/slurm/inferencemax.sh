#!/usr/bin/env bash
# Runs a checkout that behaves like InferenceMAX without changes: scripts are found by InferenceMAX's naming rule, run in
# the images of the matrix, and write their results to the usual place. Also tests `runners`: which nodes serve which
# runner, and the message for a runner that no node serves.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

type -P bwrap mksquashfs unsquashfs >/dev/null || skip "bubblewrap or squashfs-tools is not installed"
user bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null || skip "no user namespaces for an ordinary user"

user mkdir -p images scratch checkout/benchmarks hub
user bash -s -- "$WORK/local.sqsh" "$SWEEP_CLUSTER/install/bin/cpu-smoke" <"$ROOT/deploy/local-image.sh"
for image in lmsysorg_sglang_v0.5.3rc1-cu129-b200 nvcr.io_nvidia_tensorrt-llm_release_1.1.0rc2.post2; do
  user ln local.sqsh "images/$image.sqsh"
done

# Like InferenceMAX's scripts: starts a server in the background that the script never stops, reads its log until it is
# ready, then runs the client, which writes its result to /workspace/.
cat >checkout/benchmarks/dsr1_fp4_b200_slurm.sh <<'S'
#!/usr/bin/env bash
echo "JOB $SLURM_JOB_ID running on $SLURMD_NODENAME"
echo "TP: $TP, CONC: $CONC, ISL: $ISL, OSL: $OSL, EP_SIZE: $EP_SIZE, DP_ATTENTION: $DP_ATTENTION, hub: $HF_HUB_CACHE"
SERVER_LOG=$(mktemp /tmp/server-XXXXXX)
PORT=$((8888 + PORT_OFFSET))
(setsid bash -c 'echo "Application startup complete."; sleep 600' >"$SERVER_LOG" 2>&1) &
SERVER_PID=$!
until grep -q 'Application startup complete' "$SERVER_LOG"; do sleep 0.05; done
tail -n 1 "$SERVER_LOG"
set -x
cpu-smoke
ls -l "/workspace/$RESULT_FILENAME.json"
S
sed 's/^echo "JOB/echo "of trt: JOB/' checkout/benchmarks/dsr1_fp4_b200_slurm.sh >checkout/benchmarks/dsr1_fp4_b200_trt_slurm.sh
chmod 755 checkout/benchmarks/*.sh
before=$(ls -lR checkout)

cat >site.yaml <<P
workspace: $WORK/checkout
container:
  runtime: bwrap
  image-cache: $WORK/images
  scratch: $WORK/scratch
  mounts: [$WORK/hub/:/mnt/hf_hub_cache/]
  env: [CPU_SMOKE_SCALE]
env: { HF_HUB_CACHE: /mnt/hf_hub_cache/ }
timeouts: { kill-grace: 1s }
P

run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-profile=site.yaml --sweep-output=out.d sweep-agent
status_is 0
err_has "6 of 6 points done"
json_is out.d/agg_dsr1_1k1k.json length 6
for log in out.d/logs/*trt*.out; do file_has "$log" "of trt: JOB"; done
for log in out.d/logs/*sglang*.out; do
  file_has "$log" "ISL: 1024, OSL: 1024, EP_SIZE: 1, DP_ATTENTION: false, hub: /mnt/hf_hub_cache/"
  file_has "$log" " running on n"
done
[[ $(ls -lR checkout) == "$before" ]] || fail "the checkout was modified"
[[ -z $(find out.d ! -user "$(stat -c %U .)") ]] || fail "some files belong to another user"
all_gone
[[ -z $(pgrep -f '^sleep 600$') ]] || fail "a server outlived its point"

# Runners: only n1 serves b200, and no node serves b200-trt. This is reported, and the other points run.
sed 's/^  framework: trt$/&\n  runner: b200-trt/' configs/dsr1-1k1k.yaml >runners.yaml
cp site.yaml nodes.yaml
cat >>nodes.yaml <<'P'
runners:
  b200: { nodes: [n1], env: { OF: sglangs } }
  b200-trt: { features: [nobody-has-this] }
P
run srun -w n1,n2 -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=runners.yaml --sweep-profile=nodes.yaml --sweep-output=runners.d sweep-agent
status_is 1
err_has "no node serves its runner 'b200-trt'; see 'runners' in the profile"
json_is runners.d/manifest.json '[.points[] | select(.state == "done") | .attempts[].node] | unique' '["n1"]'
json_is runners.d/manifest.json '[.points[] | select(.state == "done")] | length' 3
all_gone
