#!/usr/bin/env bash
# Images on a real Slurm, as an ordinary user. Checks whether `profile check` finds what the nodes of a job have, whether
# the wait for an import is visible, and whether the next point's image is staged while the current point runs. A
# stand-in for enroot imports the images; bubblewrap runs them.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

type -P bwrap mksquashfs unsquashfs script >/dev/null || skip "bubblewrap, squashfs-tools or script is not installed"
user bwrap --unshare-pid --ro-bind / / --proc /proc true 2>/dev/null || skip "no user namespaces for an ordinary user"

user mkdir bin scratch models
sglang=lmsysorg_sglang_v0.5.3rc1-cu129-b200 trt=nvcr.io_nvidia_tensorrt-llm_release_1.1.0rc2.post2
user bash -c "cat >local-image.sh; bash local-image.sh $WORK/local.sqsh $SWEEP_CLUSTER/install/bin/cpu-smoke" \
  <"$ROOT/deploy/local-image.sh" >out 2>err

profile() { # CACHE [MORE]: prints a profile
  cat <<P
container:
  runtime: bwrap
  image-cache: $WORK/$1
  scratch: $WORK/scratch
  mounts: [$WORK/models:/models:ro]
  env: [CPU_SMOKE_SCALE]
${2-}
timeouts: { kill-grace: 1s, heartbeat: 1s, agent: 5s }
P
}

# ---- profile check --allocation runs on each node of a job, and each node's lines begin with its name.
user mkdir cache
profile cache >profile.yaml
run salloc -w n1,n2 --ntasks-per-node=1 sweepctl profile check --allocation --profile profile.yaml
status_is 0
for node in n1 n2; do
  out_has "$node: ok       runtime: bwrap: bubblewrap "
  out_has "$node: ok       image-cache: $WORK/cache: "
  out_has "$node: ok       mount: $WORK/models"
done
! grep -F MISSING out || fail "something is missing"

sed "s|^  mounts:.*|  mounts: [$WORK/models:/models, $WORK/hub:/hub]|" profile.yaml >hub.yaml
run sbatch --wait -w n1,n2 -o check.log --wrap "sweepctl profile check --allocation --profile hub.yaml"
status_is 1
for node in n1 n2; do
  file_has check.log "$node: MISSING  mount: $WORK/hub does not exist"
  file_has check.log "$node: ok       mount: $WORK/models"
done

# The runtime is missing on one of two nodes. The nodes of a dev cluster share this machine's files, so PATH is changed on
# one of them.
benchmark prolog.sh <<'S'
#!/bin/bash
[[ $SLURMD_NODENAME == n1 ]] || echo export PATH=/nonexistent
S
run env SLURM_TASK_PROLOG="$WORK/prolog.sh" salloc -w n1,n2 --ntasks-per-node=1 sweepctl profile check --allocation \
  --profile profile.yaml
status_is 1
out_has "n1: ok       runtime: bwrap: bubblewrap "
out_has "n2: MISSING  runtime: bwrap is not in PATH"
[[ $(grep -cF MISSING out) == 1 ]] || fail "more than one line has MISSING"

run sweepctl profile check --allocation --profile profile.yaml
status_is 2
err_has "--allocation needs a Slurm job; run it through salloc or in a batch script"
all_gone

# ---- the stand-in for enroot: writes three million bytes, reports the image's name, and waits for the signal to continue.
user mkfifo begun go started never
# Both ends are opened here, so that no writer blocks without a reader.
exec 5<>go 6<>never 7<>begun 8<>started
benchmark bin/enroot <<S
#!/bin/bash
[[ \$1 == import ]] || { echo 4.1.2; exit; }
echo "\${@: -1}" >>$WORK/imports
head -c 3000000 /dev/zero >"\$3"
echo "\${@: -1}" >$WORK/begun
read -r _ <$WORK/go
cp $WORK/local.sqsh "\$3"
S
PATH=$WORK/bin:$PATH
begun() { # IMAGE: waits until the import of this image has begun
  local name=
  read -r -t 60 name <&7 || fail "no import has begun"
  [[ $name == "$1" ]] || fail "the import of '$name' has begun, expected '$1'"
}
ended() { # waits for the background job and sets STATUS, like run()
  STATUS=0
  wait %+ || STATUS=$?
}
now_is() { # OUTPUT FILTER: returns whether the sweep's status matches the jq filter
  user sweepctl status "$1" --json >now 2>/dev/null && jq -e "$2" now >/dev/null
}
status_says() { user sweepctl status "$1" 2>/dev/null | grep -qE -- "$2"; }

# ---- the wait for an image is shown by sweepctl status and on srun's terminal. Two nodes share the cache: one imports the
# image and the other waits for it.
profile waited.cache >waited.yaml
user env TERM=xterm NO_COLOR=1 script -qefc "stty cols 150; exec srun -w n1,n2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive \
  --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework sglang' --sweep-profile=waited.yaml --sweep-output=waited \
  cpu-smoke" terminal >/dev/null 2>err </dev/null &
begun docker://lmsysorg/sglang:v0.5.3rc1-cu129-b200
wait_until 30 "both nodes wait for the image" now_is waited \
  '[.running[] | select(.phase == "image") | .node] | sort == ["n1", "n2"]'
wait_until 30 "status shows the import" status_says waited '^  running  .* on n1, image 3\.0 MB, '
wait_until 30 "status shows the wait of the other node" status_says waited '^  running  .* on n2, image 3\.0 MB, '
wait_until 30 "the terminal shows both" grep -qF "| n1 image 3.0 MB, n2 image 3.0 MB" terminal
[[ ! -e waited.cache/$sglang.sqsh ]] || fail "the image has its final name before it is complete"
echo >&5
ended
status_is 0
count_is 3 waited/raw/*.json
count_is 1 waited.cache/$sglang.sqsh
[[ $(wc -l <imports) == 1 ]] || fail "imports: $(paste -sd ' ' imports)"
all_gone

# ---- prefetch: the next image is staged while the first point still runs. The first point waits for that.
benchmark waits.sh <<'S'
#!/bin/bash
if [[ $CONC == 4 && $FRAMEWORK == sglang ]]; then
  echo started >/workspace/started
  read -r _ </workspace/never
fi
exec cpu-smoke
S
begin() { # OUTPUT PROFILE: starts a sweep on one node; the first image is already in the cache
  rm -f imports
  user srun -N1 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-profile="$2" \
    --sweep-output="$1" ./waits.sh >out 2>err </dev/null &
  read -r -t 60 _ <&8 || fail "the first point did not start"
}
first_runs='(.points | [.running, .done, .pending] == [1, 0, 5]) and .running[0].phase != "image"'
user mkdir ahead.cache
user ln local.sqsh ahead.cache/$sglang.sqsh
profile ahead.cache >ahead.yaml
begin ahead ahead.yaml
wait_until 30 "the first point runs" now_is ahead "$first_runs"
begun docker://nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2
now_is ahead "$first_runs" || { cat now >&2; fail "the first point does not run while the import does"; }
echo >&5
wait_until 30 "the next image is there" test -e ahead.cache/$trt.sqsh
now_is ahead "$first_runs" || { cat now >&2; fail "the first point does not run any more"; }
echo >&6
ended
status_is 0
json_is ahead/manifest.json '[.complete, (.points | length)]' '[true,6]'
[[ $(wc -l <imports) == 1 ]] || fail "imports: $(paste -sd ' ' imports)"
all_gone

# With prefetch: no, the import begins only when the first three points are done.
user mkdir later.cache
user ln local.sqsh later.cache/$sglang.sqsh
profile later.cache '  prefetch: no' >later.yaml
begin later later.yaml
[[ ! -e imports ]] || fail "imports: $(paste -sd ' ' imports)"
echo >&6
begun docker://nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2
now_is later '.points.done == 3' || { cat now >&2; fail "not after three points"; }
echo >&5
ended
status_is 0
all_gone
