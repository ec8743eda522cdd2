#!/usr/bin/env bash
# Real containers with bubblewrap, as an ordinary user: the six points run as without containers. Also checks the
# environment in the container, how failures are classified, and that no part of a container outlives scancel, kill -9 of
# its agent, or the time limit.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

type -P bwrap mksquashfs unsquashfs >/dev/null || skip "bubblewrap or squashfs-tools is not installed"
user bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null || skip "no user namespaces for an ordinary user"

# The images of the matrix are in the cache under their names.
user mkdir images scratch models
user bash "$ROOT/deploy/local-image.sh" "$WORK/local.sqsh" "$SWEEP_CLUSTER/install/bin/cpu-smoke" >out 2>err ||
  user bash -c "cat >l.sh; bash l.sh $WORK/local.sqsh $SWEEP_CLUSTER/install/bin/cpu-smoke" <"$ROOT/deploy/local-image.sh"
for image in lmsysorg_sglang_v0.5.3rc1-cu129-b200 nvcr.io_nvidia_tensorrt-llm_release_1.1.0rc2.post2; do
  user ln local.sqsh "images/$image.sqsh"
done
echo weights >models/w
cat >profile.yaml <<P
container:
  runtime: auto
  image-cache: $WORK/images
  scratch: $WORK/scratch
  mounts: [$WORK/models:/models:ro]
  env: [CPU_SMOKE_SCALE]
timeouts: { kill-grace: 1s, heartbeat: 1s, agent: 5s }
retries: { infrastructure: 1, benchmark: 0, node: 0 }
P
sed 's/runtime: auto/runtime: bwrap/' profile.yaml >bwrap.yaml

sweep() { # OUTPUT PROFILE COMMAND...
  local output=$1 profile=$2
  shift 2
  run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-profile="$profile" \
    --sweep-output="$output" "$@"
}
nothing_inside() { [[ -z $(pgrep -f "bwrap .*$WORK/") && -z $(ls -A "$WORK"/scratch/*/boxes 2>/dev/null) ]]; }
all_contained_gone() {
  all_gone
  wait_until 20 "containers and their folders are gone" nothing_inside
}

# The main job, in the images of the matrix. bubblewrap is the only runtime on the nodes.
sweep out.d bwrap.yaml cpu-smoke
status_is 0
err_has "6 of 6 points done"
count_is 6 out.d/raw/*.json
json_is out.d/agg_dsr1_1k1k.json length 6
json_is out.d/manifest.json '[.points[].attempts[].outcome.kind] | unique' '["ok"]'
[[ -z $(find out.d ! -user "$(stat -c %U .)") ]] || fail "some files belong to another user"
file_has out.d/summary.txt "containers: bubblewrap "
record=$(ls out.d/agg_dsr1_1k1k_fp4_sglang*conc4_*.json | head -n 1)
json_is "$record" '.provenance.image' lmsysorg/sglang:v0.5.3rc1-cu129-b200
json_is "$record" '.provenance.container_image' lmsysorg/sglang:v0.5.3rc1-cu129-b200
json_is "$record" '.provenance.image_digest | startswith("squashfs-tables:sha256:")' true
json_is "$record" '.provenance.container | startswith("bubblewrap")' true
# One file with two names is unpacked once for each name, because both nodes share this machine.
count_is 2 scratch/slurm-sweep-*/roots/*.root
all_contained_gone

# The environment in the container, checked by a script in the current folder.
benchmark look.sh <<'S'
#!/bin/bash
echo "home=$HOME pwd=$PWD model=$MODEL image-says=$IS_LOCAL_IMAGE secret=${SLURM_SWEEP_CLIENT_SECRET-none} other=${OTHER-none}"
echo "tmp=$(ls -A /tmp | wc -l) shm=$(ls -A /dev/shm | wc -l) weights=$(cat /models/w)"
touch /models/x 2>/dev/null && echo "models can be written to"
echo x >/tmp/mine; echo x >/dev/shm/mine; echo x >/mine
[[ -e /usr/bin/gcc ]] && echo "the node's own programs are here"
exec cpu-smoke
S
OTHER=x sweep look.d bwrap.yaml ./look.sh
status_is 0
for log in look.d/logs/*.out; do
  file_has "$log" "home=/tmp pwd=/workspace/ model=nvidia/DeepSeek-R1-0528-FP4-V2 image-says=yes secret=none other=none"
  file_has "$log" "tmp=0 shm=0 weights=weights"
  ! grep -E "can be written|own programs" "$log" || fail "the benchmark can see or write files that it must not"
done
all_contained_gone

# Classification of failures. The sweep must continue and report each failure in one line with the node's name.
sweep gone.d bwrap.yaml no-such-program
status_is 1
json_is gone.d/manifest.json '[.points[].attempts[].outcome.kind] | unique' '["benchmark-failed"]'
json_is gone.d/manifest.json '[.points[].attempts | length] | unique' '[1]'
err_has "cannot start the command 'no-such-program': the image "
grep -q 'node n[12]: cannot start the command' err || fail "no node is named"

sed 's/^  mounts:.*/  mounts: [\/nonexistent\/hub:\/hub]/' bwrap.yaml >mount.yaml
sweep mount.d mount.yaml cpu-smoke
status_is 1
json_is mount.d/manifest.json '[.points[].attempts[].outcome.kind] | unique' '["infrastructure"]'
err_has "cannot use the mount source '/nonexistent/hub': No such file or directory"

# One image is truncated, the other is missing: the points of both fail.
user mkdir cut
user cp images/lmsysorg* cut/
user truncate -s -9000 cut/lmsysorg*
sed "s|^  image-cache:.*|  image-cache: $WORK/cut|" bwrap.yaml >cut.yaml
sweep cut.d cut.yaml cpu-smoke
status_is 1
json_is cut.d/manifest.json '[.points[].attempts[].outcome.kind] | unique' '["infrastructure"]'
err_has "enroot is not in PATH; install enroot, or put the image as a squash file into "
# A folder that another user has unpacked and that lacks the mount points.
if [[ $EUID == 0 ]]; then
  bash "$ROOT/deploy/local-image.sh" "$WORK/shared-image/" "$SWEEP_CLUSTER/install/bin/cpu-smoke"
  rmdir shared-image/workspace shared-image/run
  chmod -R go-w shared-image
  sed "s|^  image-cache:.*|  image: $WORK/shared-image|" bwrap.yaml >shared.yaml
  sweep shared.d shared.yaml cpu-smoke
  status_is 0
  json_is "$(ls shared.d/agg_dsr1_1k1k_fp4_sglang*conc4_*.json | head -n 1)" '.provenance.container_image' "$WORK/shared-image"
  [[ -z $(find shared-image ! -user root) ]] || fail "the folder was modified"
fi

sed "s|^  image-cache:.*|  image: $WORK/none.sqsh|" bwrap.yaml >none.yaml
sweep none.d none.yaml cpu-smoke
status_is 1
err_has "image '$WORK/none.sqsh' does not exist"
sed 's/bwrap/rkt/' bwrap.yaml >rkt.yaml
run sweepctl check configs/dsr1-1k1k.yaml --profile rkt.yaml
status_is_not 0
err_has "'runtime' must be none or auto or pyxis"
all_contained_gone

# No part of a container must survive.
user mkfifo started never
exec 8<>started
benchmark stays.sh <<S
#!/bin/bash
trap '' TERM INT
setsid sleep 600 &
(trap '' TERM; sleep 600) &
echo x >/workspace/started
read -t 600 <>/workspace/never
S
begin() { # OUTPUT [OPTION...]
  local output=$1
  shift
  user setsid srun -N1 --ntasks-per-node=1 --gpus-per-node=8 "$@" --sweep-config=configs/dsr1-1k1k.yaml \
    --sweep-select='--framework sglang' --sweep-profile=bwrap.yaml --sweep-output="$output" ./stays.sh >out 2>err </dev/null &
  read -r -t 60 _ <&8 || fail "the benchmark did not start"
}
gone_after() { # WHAT
  wait %+ || true
  wait_until 40 "$1: containers are gone" nothing_inside
  wait_until 40 "$1: their processes are gone" no_sleepers
  all_gone
}
no_sleepers() { [[ -z $(pgrep -f '^sleep 600$') ]]; }

begin scancel.d
scancel "$(last_job)"
gone_after scancel

begin killed.d
pkill -KILL -f "$SWEEP_CLUSTER/install/bin/sweep-agent --( |$)"
# The point would be tried again by another agent, but this step has none.
scancel "$(last_job)" 2>/dev/null || true
gone_after "kill -9 of the agent"

begin limit.d --time=1
gone_after "the time limit"
file_has limit.d/summary.txt "unfinished"
