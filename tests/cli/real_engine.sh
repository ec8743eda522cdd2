#!/usr/bin/env bash
# Tests deploy/real-engine.sh without a network, with stand-ins for debootstrap, chroot and random-gguf: what it makes,
# what a second run keeps, and that a run that fails or is ended leaves no part that the next run takes for whole.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
script=$ROOT/deploy/real-engine.sh
cd -- "$WORK" || exit

bash -n "$script" || bad "$script has a syntax error"
mkdir -p stand-ins build/bin
cat >build/bin/random-gguf <<'B'
#!/bin/sh
for file; do :; done
echo "$@" >"$file"
B
cat >stand-ins/debootstrap <<'B'
#!/bin/sh
echo "debootstrap $*" >>"$RECORD"
for folder in proc etc usr/sbin usr/bin var/lib/dpkg; do mkdir -p "$3/$folder"; done
case $FAULT in
  fails) echo "E: no such mirror"; exit 1 ;;
  blocks) echo blocks >"$GATE"; read -r _ <"$NEVER" ;;
esac
B
cat >stand-ins/chroot <<'B'
#!/bin/sh
[ -e "$1/etc/forbid" ] || { printf '#!/bin/sh\n' >"$1/usr/bin/llama-server" && chmod 755 "$1/usr/bin/llama-server"; }
B
chmod 755 stand-ins/* build/bin/random-gguf
export PATH=$WORK/stand-ins:$PATH RECORD=$WORK/record GATE=$WORK/gate NEVER=$WORK/never FAULT=''
mkfifo gate never

# ends STATUS WORD [OPTION]...: runs the script; checks its status, and a word in its output.
ends() {
  local status=0
  "$script" --dir "$WORK/engine" --build "$WORK/build" "${@:3}" >out 2>&1 </dev/null || status=$?
  [[ $status == "$1" ]] || bad "status $status, not $1: real-engine.sh ${*:3}: $(cat out)"
  grep -qF -- "$2" out || bad "real-engine.sh ${*:3} does not print '$2': $(cat out)"
}
nothing_left() { # WHEN
  [[ ! -e engine/image && ! -e engine/image.partial ]] || bad "$1 leaves $(find engine -maxdepth 1)"
}

ends 0 'Usage: deploy/real-engine.sh' --help
ends 2 "unknown option '--sweet' (see deploy/real-engine.sh --help)" --sweet
ends 2 '--mirror needs a value' --mirror
ends 1 'cannot use the directory /a:b: its path may contain only' --dir /a:b
ends 1 'has no bin/random-gguf; build it (cmake --build' --build "$WORK"
[[ ! -e engine ]] || bad "a run that is refused makes $WORK/engine"

# An image that exists: everything else is made, and the sweep that it is for passes the check.
mkdir -p engine/image
ends 1 'it exists and has no llama-server; remove it'
mkdir -p engine/image/usr/bin
install -m 755 build/bin/random-gguf engine/image/usr/bin/llama-server
ends 0 'image/ exists'
"$SWEEPCTL" check engine/matrix.yaml --profile engine/profile.yaml >out 2>&1 ||
  bad "the sweep does not pass the check: $(cat out)"
grep -q '^5 points of random_' out || bad "the sweep is not of five points: $(cat out)"
cmp -- engine/llama_cpp.yaml "$ROOT/configs/recipes/llama_cpp.yaml" || bad "the recipe is not that of configs/recipes"
echo '# edited' >>engine/matrix.yaml
ends 0 'matrix.yaml exists'
grep -q '^# edited$' engine/matrix.yaml || bad "a second run overwrites the matrix"
[[ $(cat engine/models/random.gguf) == "$WORK/engine/models/random.gguf" ]] ||
  bad "a second run writes the model again"
ends 0 'made models/random.gguf' -- --layers 9
[[ $(cat engine/models/random.gguf) == "--layers 9 $WORK/engine/models/random.gguf" ]] ||
  bad "options do not reach random-gguf"
[[ -z $(find engine -name '*.partial') ]] || bad "temporary files are left: $(find engine -name '*.partial')"

# Another run at the same time is refused.
exec 9<engine
flock 9
ends 1 'another real-engine.sh is working in'
exec 9<&-

rm -rf engine
if [[ $EUID -ne 0 ]]; then
  ends 1 'debootstrap needs root rights; run this once as root (sudo deploy/real-engine.sh'
  exit "$FAILED"
fi
if ! unshare --mount --pid --fork --mount-proc true 2>/dev/null; then
  ends 1 'cannot create namespaces'
  exit "$FAILED"
fi

FAULT=fails ends 1 'E: no such mirror' --mirror file:/nowhere
nothing_left "a debootstrap that fails"
grep -q "debootstrap --variant=minbase forky $WORK/engine/image.partial file:/nowhere sid" record ||
  bad "debootstrap got: $(cat record)"

# Ended by SIGTERM while debootstrap runs.
exec 8<>never # a reader of this FIFO waits until it is killed
FAULT=blocks "$script" --dir "$WORK/engine" --build "$WORK/build" --mirror file:/nowhere >out 2>&1 </dev/null &
running=$!
read -r _ <gate
kill -TERM "$running"
status=0
wait "$running" || status=$?
[[ $status == 143 ]] || bad "ended by SIGTERM: status $status, not 143"
[[ ! -e engine ]] || bad "a run that is ended leaves $(find engine -maxdepth 1)"

# Killed: what is left is not taken for an image by the next run.
FAULT=blocks "$script" --dir "$WORK/engine" --build "$WORK/build" --mirror file:/nowhere >out 2>&1 </dev/null &
running=$!
read -r _ <gate
touch engine/image.partial/etc/forbid
kill -KILL "$running"
wait "$running" 2>/dev/null || true
# The lock is free when the kernel has killed the processes that make the image.
flock -w 30 engine true || bad "a process of the killed run still runs"
[[ -e engine/image.partial ]] || bad "the killed run has left nothing, so that this test tests nothing"
ends 0 'made image/' --mirror file:/nowhere
image=engine/image
[[ -x $image/usr/bin/llama-server && ! -e engine/image.partial && ! -e $image/etc/forbid ]] ||
  bad "the image is not whole"
! grep -qF "$WORK" /proc/self/mountinfo || bad "something is still mounted below $WORK"
exit "$FAILED"
