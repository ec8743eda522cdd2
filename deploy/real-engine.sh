#!/usr/bin/env bash
# Prepares sweeps of a real inference engine on a machine without GPUs: a container image (a folder) with llama.cpp's
# llama-server and nginx, a model with random weights, and a matrix, a profile and a recipe that use them.
#
# Rules:
# - The script writes only below its directory and installs nothing on this machine.
# - Each part gets its name only when it is complete. A part that exists is kept, so a second run makes what is missing.
# - The image is made in separate mount and PID namespaces. All its processes and mounts end with the script, however
#   that ends.
set -euo pipefail
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
SUITE=forky
DIR=/var/tmp/slurm-sweep-real-engine BUILD=$ROOT/build MIRROR='' MODEL_OPTIONS=()
NAMESPACE='' # pid of the process that makes the image

usage() {
  cat <<'USAGE'
Usage: deploy/real-engine.sh [OPTION]... [-- OPTION of random-gguf]...
Prepares sweeps of a real inference engine, llama.cpp, on a machine without GPUs. Makes in DIR what is missing of:
  image/                 a container image: a folder with Debian forky, llama-server and nginx (about 200 MB)
  models/random.gguf     a small model with random weights, written by random-gguf of this build
  matrix.yaml            five points: concurrency 1 to 16
  profile.yaml           runs them in the image with bubblewrap
  llama_cpp.yaml         a copy of configs/recipes/llama_cpp.yaml
A part that exists is kept; remove it, and the next run makes it again.

Options
  --dir DIR        directory for all files (default /var/tmp/slurm-sweep-real-engine)
  --build DIR      build folder with bin/random-gguf (default: build/ of this checkout)
  --mirror URL     the Debian mirror to use (default: the one in the configuration of this machine's apt)
  -- OPTION...     options of random-gguf, such as --layers 16; the model is then written again

Only making image/ needs root rights, debootstrap and the network; it takes some minutes. Sweeps run as any user.
Exit status: 0 all parts exist, 1 failure, 2 usage error, 128 + N ended by signal N.
USAGE
}

begin=$SECONDS
say() { printf 'real-engine: %s\n' "$*"; }
die() { printf 'real-engine: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'real-engine: %s (see deploy/real-engine.sh --help)\n' "$*" >&2; exit 2; }

parse_options() {
  while [[ $# -gt 0 ]]; do
    local option=$1 value
    case $option in
      -h | --help) usage; exit 0 ;;
      --) shift; MODEL_OPTIONS=("$@"); return ;;
      --dir=* | --build=* | --mirror=*) value=${option#*=} option=${option%%=*}; shift ;;
      --dir | --build | --mirror)
        [[ $# -ge 2 ]] || wrong "$option needs a value"
        value=$2; shift 2 ;;
      *) wrong "unknown option '$option'" ;;
    esac
    [[ -n $value ]] || wrong "$option needs a value"
    case $option in
      --dir) DIR=$value ;;
      --build) BUILD=$value ;;
      --mirror) MIRROR=$value ;;
    esac
  done
}

# The path is written into a profile, where it may contain no colon, brace or quote.
settle_paths() {
  DIR=$(realpath -m -s -- "$DIR")
  BUILD=$(realpath -m -s -- "$BUILD")
  [[ $DIR =~ ^/[A-Za-z0-9._/+-]+$ ]] ||
    die "cannot use the directory $DIR: its path may contain only letters, digits and . _ + - /;" \
      "choose another with --dir"
}

claim_directory() {
  local parent=$DIR
  mkdir -p -- "$DIR" 2>/dev/null || die "cannot create the directory $DIR; choose another with --dir"
  # The lock is on the directory itself. Processes that make the image inherit it.
  exec 8<"$DIR"
  flock -n 8 || die "another real-engine.sh is working in $DIR; wait for it, or choose another directory with --dir"
  while [[ $parent != / ]]; do
    [[ $(stat -c %A -- "$parent") == *[xt] ]] ||
      say "note: other users cannot enter $parent, so their sweeps cannot use $DIR"
    parent=$(dirname -- "$parent")
  done
}

# --- the image --------------------------------------------------------------------------------------------------

# Prints the address of the Debian mirror in apt's configuration. Nothing if there is none.
mirror_of_apt() {
  # shellcheck disable=SC2016 # apt replaces the names
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 'Component: main' 2>/dev/null |
    sed -nE 's#^Debian ((https?|file):.*)#\1#p' | head -n 1
}

need_for_image() {
  local entry free
  [[ $EUID -eq 0 ]] ||
    die "cannot make $DIR/image: debootstrap needs root rights; run this once as root (sudo deploy/real-engine.sh" \
      "--dir $DIR)"
  for entry in debootstrap:debootstrap unshare:util-linux setpriv:util-linux apt-get:apt; do
    [[ -n $(type -P "${entry%:*}") ]] ||
      die "${entry%:*} is not installed; install its package (apt-get install ${entry#*:})"
  done
  unshare --mount --pid --fork true 2>/dev/null ||
    die "cannot create namespaces (unshare fails); run this on a real machine or in a container that is allowed to mount"
  [[ -n $MIRROR ]] || MIRROR=$(mirror_of_apt) || true
  [[ -n $MIRROR ]] ||
    die "cannot find a Debian mirror in apt's configuration; run apt-get update, or name one with --mirror URL"
  free=$(df --output=avail -B1M -- "$DIR" | tail -n 1)
  ((free >= 600)) ||
    die "cannot make $DIR/image: $free MB are free, and 600 are needed; choose another directory with --dir"
}

# Copies its input to a file, and prints a line of it every 10 s.
show_progress() { # FILE
  local line next=$((SECONDS + 10))
  trap '' INT
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$1"
    ((SECONDS >= next)) || continue
    printf '  %3d s  %.90s\n' $((SECONDS - begin)) "$line"
    next=$((SECONDS + 10))
  done
}

# Makes the image in the folder. Runs as the first process of its namespaces.
fill_image() { # FOLDER MIRROR SUITE
  local tree=$1 more=()
  [[ $2 != https:* ]] || more=(--include=ca-certificates)
  # Older versions of debootstrap do not know the suite's name, but that of its rules.
  debootstrap --variant=minbase "${more[@]}" "$3" "$tree" "$2" sid
  mount -t proc proc "$tree/proc"
  cp -L -- /etc/resolv.conf "$tree/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d" # packages start no services
  chmod 755 -- "$tree/usr/sbin/policy-rc.d"
  env -i PATH="$PATH" LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"} \
    chroot "$tree" sh -ec '
      apt-get -q -y install --no-install-recommends llama.cpp nginx-light
      apt-get clean
      rm -rf /var/lib/apt/lists/*'
  umount "$tree/proc"
  chmod 755 -- "$tree"
}

image_is_whole() { [[ -x $DIR/image/usr/bin/llama-server ]]; }

make_image() {
  local tree=$DIR/image.partial log=$DIR/image.log status=0 proxy progress
  if image_is_whole; then
    say "image/ exists"
    return
  fi
  [[ ! -e $DIR/image ]] ||
    die "cannot make $DIR/image: it exists and has no llama-server; remove it or choose another directory with --dir"
  need_for_image
  say "making image/ with packages from $MIRROR; the complete log is $log"
  rm -rf --one-file-system -- "$tree"
  : >"$log"
  proxy=$(apt-config shell proxy Acquire::http::Proxy) && eval "$proxy"
  [[ -z ${proxy-} || $proxy == DIRECT ]] || export http_proxy=$proxy
  exec 7> >(show_progress "$log")
  progress=$!
  # setpriv: the kernel kills unshare if this script is killed, and with it everything in the namespaces.
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    "$BASH" "${BASH_SOURCE[0]}" --fill-image "$tree" "$MIRROR" "$SUITE" </dev/null >&7 2>&1 7>&- &
  NAMESPACE=$!
  exec 7>&-
  wait "$NAMESPACE" || status=$?
  NAMESPACE=''
  wait "$progress" || true # the log is then complete
  if ((status != 0)) || [[ ! -x $tree/usr/bin/llama-server ]]; then
    tail -n 15 -- "$log" >&2
    die "cannot make $DIR/image: see the end of its log above (all of it: $log); if the mirror is the reason, name" \
      "another with --mirror URL"
  fi
  sync -f -- "$tree"
  mv -T -- "$tree" "$DIR/image"
  rm -f -- "$log"
  say "made image/ after $((SECONDS - begin)) s"
}

# --- the other parts --------------------------------------------------------------------------------------------

need_to_write() {
  [[ -w $DIR ]] || die "cannot write to $DIR: it belongs to another user; run this as that user, or choose another" \
    "directory with --dir"
}

make_model() {
  local program=$BUILD/bin/random-gguf
  if [[ -s $DIR/models/random.gguf && ${#MODEL_OPTIONS[@]} -eq 0 ]]; then
    say "models/random.gguf exists"
    return
  fi
  need_to_write
  mkdir -p -- "$DIR/models"
  # The program writes a temporary file and renames it.
  "$program" "${MODEL_OPTIONS[@]}" "$DIR/models/random.gguf" ||
    die "cannot write $DIR/models/random.gguf: see the message above"
  say "made models/random.gguf ($(stat -c %s -- "$DIR/models/random.gguf") bytes)"
}

# Writes its input to the file, unless that exists.
make_file() { # NAME
  if [[ -e $DIR/$1 ]]; then
    say "$1 exists"
    return
  fi
  need_to_write
  cat >"$DIR/$1.partial"
  mv -T -- "$DIR/$1.partial" "$DIR/$1"
  say "made $1"
}

make_files() {
  make_file llama_cpp.yaml <"$ROOT/configs/recipes/llama_cpp.yaml"
  make_file matrix.yaml <<'MATRIX'
# A random model with llama.cpp on the CPUs of a node: five points that share one server. The throughput is that of this
# machine and of a model without meaning.
random-fp16-cpu-llamacpp:
  image: llama.cpp # profile.yaml names the folder
  model: /models/random.gguf
  isl: 128
  osl: 64
  search-space:
    - { tp: 1, conc-start: 1, conc-end: 16 }
MATRIX
  make_file profile.yaml <<PROFILE
# Runs the points of matrix.yaml with the recipe beside this file, in the image that deploy/real-engine.sh has made.
benchmark: ./llama_cpp.yaml
gpus: ignore # the engine computes on CPUs

container:
  runtime: bwrap
  image: $DIR/image
  mounts: [$DIR/models:/models:ro]

timeouts:
  server: 2m
  benchmark: 10m
  point: 15m
  kill-grace: 3s
PROFILE
}

# shellcheck disable=SC2329 # the trap calls it
finish() {
  local status=$? first
  trap '' INT TERM HUP
  if [[ -n $NAMESPACE ]]; then
    # When the namespace's first process is gone and has been waited for, so are all others and all mounts.
    read -r first _ 2>/dev/null <"/proc/$NAMESPACE/task/$NAMESPACE/children" || first=''
    kill -KILL ${first:+"$first"} "$NAMESPACE" 2>/dev/null || true
    wait "$NAMESPACE" 2>/dev/null || true
  fi
  rm -rf --one-file-system -- "$DIR/image.partial" "$DIR"/*.yaml.partial
  ((status < 128)) || rm -f -- "$DIR/image.log"
  rmdir -- "$DIR/models" "$DIR" 2>/dev/null || true # if they are empty
}

next_steps() {
  local cluster='' versions
  [[ -z ${SLURM_CONF-} ]] || cluster=' (the cluster of SLURM_CONF)'
  versions=$(dpkg-query --admindir="$DIR/image/var/lib/dpkg" -W -f '${Package} ${Version}, ' llama.cpp nginx \
    2>/dev/null) || true
  say "complete after $((SECONDS - begin)) s: ${versions}in $DIR"
  cat <<NEXT
Run a sweep as any user, on a cluster of this machine (deploy/devcluster up)$cluster:
  srun -N1 --ntasks-per-node=1 --exclusive --sweep-config=$DIR/matrix.yaml \\
    --sweep-profile=$DIR/profile.yaml sweep-agent
NEXT
}

main() {
  if [[ ${1-} == --fill-image ]]; then
    fill_image "${@:2}"
    exit
  fi
  umask 022
  parse_options "$@"
  settle_paths
  [[ -x $BUILD/bin/random-gguf ]] ||
    die "$BUILD has no bin/random-gguf; build it (cmake --build $BUILD --target random-gguf) or name another build" \
      "with --build"
  claim_directory
  trap finish EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  make_image
  make_model
  make_files
  next_steps
}

main "$@"
