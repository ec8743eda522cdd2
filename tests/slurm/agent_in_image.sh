#!/usr/bin/env bash
# Runs a whole step in an image, including the agents (container: agent: image). Checks the variables that the plugin sets
# for pyxis, here a stand-in (pyxis_stand_in.cpp), and that an image without slurm-sweep's files runs the six points.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

user unshare --user --mount true 2>/dev/null || skip "no user namespaces for an ordinary user"
stand_in=$SWEEP_BUILD/lib/pyxis_stand_in.so
[[ -e $stand_in ]] || fail "$stand_in is not built"

# pyxis' line must be first, so that the task is in the image before the agent starts.
plugstack=$SWEEP_CLUSTER/plugstack.conf
cp -- "$plugstack" "$WORK/plugstack.orig"
cp -- "$stand_in" "$SWEEP_CLUSTER/install/lib/"
# shellcheck disable=SC2329 # the trap calls it
restore() {
  local status=$?
  cp -- "$WORK/plugstack.orig" "$plugstack"
  set +e
  (exit "$status")
  finish
}
trap restore EXIT
pyxis_first() { { echo "required $SWEEP_CLUSTER/install/lib/pyxis_stand_in.so"; cat -- "$WORK/plugstack.orig"; } >"$plugstack"; }

user bash -c "cat >l.sh; bash l.sh $WORK/image/ $SWEEP_CLUSTER/install/bin/cpu-smoke" <"$ROOT/deploy/local-image.sh" >out 2>err
[[ ! -e image/usr/local/bin/sweep-agent && -z $(find image -name 'libzmq*') ]] || fail "the image contains files of slurm-sweep"
user mkdir models
echo weights >models/w
cat >profile.yaml <<P
container:
  runtime: pyxis
  agent: image
  image: $WORK/image
  mounts: [$WORK/models:/models:ro]
timeouts: { kill-grace: 1s, heartbeat: 1s, agent: 5s }
P
sweep() { # OUTPUT COMMAND...
  local output=$1
  shift
  run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-profile=profile.yaml \
    --sweep-output="$output" "$@"
}

pyxis_first
sweep out.d cpu-smoke
status_is 0
err_has "6 of 6 points done"
count_is 6 out.d/raw/*.json
[[ -z $(find out.d ! -user "$(stat -c %U .)") ]] || fail "some files belong to another user"
record=$(ls out.d/agg_dsr1_1k1k_fp4_sglang*conc4_*.json | head -n 1)
json_is "$record" '.provenance.container' "pyxis, the agent in it"
json_is "$record" '.provenance.container_image' "$WORK/image"
all_gone

# The environment of a benchmark in the image. The workspace is the folder where srun was started.
benchmark look.sh <<'S'
#!/bin/bash
echo "home=$HOME pwd=$PWD model=$MODEL secret=${SLURM_SWEEP_CLIENT_SECRET-none} loader=${SLURM_SWEEP_LOADER-none} weights=$(cat /models/w)"
[[ -e /etc/os-release ]] && echo "the node's own programs are here"
exec cpu-smoke
S
sweep look.d ./look.sh
status_is 0
for log in look.d/logs/*.out; do
  file_has "$log" "home=/tmp pwd=/workspace/ model=nvidia/DeepSeek-R1-0528-FP4-V2 secret=none loader=none weights=weights"
  ! grep -F "own programs" "$log" || fail "the benchmark sees the node's programs"
done
all_gone

# If pyxis' line is missing or comes after ours, the agents would run on the node. This must be reported, and no benchmark
# must run there.
behind() { { cat -- "$WORK/plugstack.orig"; echo "required $SWEEP_CLUSTER/install/lib/pyxis_stand_in.so"; } >"$plugstack"; }
without() { cp -- "$WORK/plugstack.orig" "$plugstack"; }
for order in behind without; do
  "$order"
  sweep "$order.d" cpu-smoke
  status_is_not 0
  err_has "its line in plugstack.conf before that of slurm-sweep"
  count_is 0 "$order.d"/raw/*.json
  all_gone
done

# Points with two different images cannot share one container.
sed '/^  image:/d' profile.yaml >each.yaml
run sweepctl check configs/dsr1-1k1k.yaml --profile each.yaml
status_is 1
err_has "needs one container for all points"
