#!/usr/bin/env bash
# Tests sweepctl profile (effective values with their sources, checks of this machine) and sweepctl images (listing and
# pruning of staged images).
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
cd -- "$WORK" || exit
export HOME=$WORK TMPDIR=$WORK
unset SLURM_JOB_ID SLURMD_NODENAME

says() { # STATUS WORDS COMMAND...: checks its exit status and that it prints WORDS
  local want=$1 words=$2 status=0
  shift 2
  "$SWEEPCTL" "$@" >out 2>err || status=$?
  [[ $status == "$want" ]] || bad "$*: status $status, expected $want: $(cat err)"
  grep -qF -- "$words" out err || bad "$*: does not print '$words' but: $(cat out err)"
}

# Layers: the file of --profile wins over the user's file, and each value is printed with its source.
mkdir -p .config/slurm-sweep workspace models
cat >.config/slurm-sweep/profile.yaml <<P
workspace: $WORK/workspace
container: { runtime: none, cache-age: 30d }
env: { HF_TOKEN: secret }
P
cat >p.yaml <<P
container:
  mounts: [$WORK/models:/models:ro]
  image: /none/{image-slug}.sqsh
runners:
  b200*: { gpus: [b200], env: { X: 'a: "b"' } }
P
says 0 "cache-age: 30d " profile show --profile p.yaml
grep -qE "^  cache-age: 30d +# $WORK/.config/slurm-sweep/profile.yaml:2$" out || bad "the source of the user's value is wrong: $(grep cache-age out)"
grep -qE "^    gpus: \[b200\] +# p.yaml:5$" out || bad "the source of the runner's value is wrong: $(grep -A2 b200 out)"
grep -qE "^packing: node +# default$" out || bad "a default value is not marked as default"
grep -q secret out && bad "the value of HF_TOKEN is printed"
# The output is a profile with the same values.
cp out again.yaml
HOME=/nonexistent says 0 "image: \"/none/{image-slug}.sqsh\"" profile show --profile again.yaml
diff <(sed 's/ *#.*//' again.yaml) <(sed 's/ *#.*//' out) >&2 || bad "the printed profile has other values"

echo 'container: { mount: [/a:/b] }' >slip.yaml
says 1 "did you mean 'mounts'?" profile show --profile slip.yaml
says 2 "show" profile frob

says 0 "ok       workspace: $WORK/workspace" profile check --profile p.yaml
sed "s/^container:/container:\n  runtime: apptainer\n  image-cache: $(sed 's#/#\\/#g' <<<"$WORK/p.yaml/none")/" p.yaml >wrong.yaml
PATH=/usr/bin:/bin says 1 "MISSING  runtime: apptainer is not in PATH" profile check --profile wrong.yaml
grep -q "MISSING  image-cache: $WORK/p.yaml/none does not exist" out || bad "the missing cache is not reported: $(cat out)"
grep -q "ok       mount: $WORK/models" out || bad "the existing mount is not reported: $(cat out)"
sed "s#p.yaml/none#one/more#" wrong.yaml >made.yaml
says 1 "ok       image-cache: $WORK/one/more: will be created in $WORK" profile check --profile made.yaml
says 2 "--allocation needs a Slurm job" profile check --allocation

# A runner that the profile does not list is reported before anything is allocated. If no other point is left, it is an
# error.
for runner in b200 mi300x; do
  printf '%s-%s-sglang:\n  image: a/b:1\n  model: m\n  framework: sglang\n  search-space: [{ tp: 4, conc-start: 4, conc-end: 4 }]\n' x-fp4 $runner
done >matrix.yaml
says 0 "1 point needs runner 'mi300x', which is not in the profile's 'runners'" check matrix.yaml --profile p.yaml --quiet
sed -i '1,/^x-fp4-mi300x/{/^x-fp4-mi300x/!d}' matrix.yaml
says 1 "runner 'mi300x'" check matrix.yaml --profile p.yaml --quiet

# Only pyxis can start agents in the image.
echo 'container: { runtime: pyxis, agent: image }' >inside.yaml
says 1 "'container.agent: image' needs a Slurm job" run matrix.yaml --profile inside.yaml --output inside.d -- true
[[ ! -e inside.d ]] || bad "the refused sweep left files: $(ls -A inside.d)"

# Images: a complete image, a truncated image, and the remains of an import.
says 0 "no images are staged" images list
mkdir cache
printf 'hsqs and no more' >cache/cut_1.sqsh
printf sif >cache/a_b_1.sif
printf half >"cache/.c_1.sqsh.part.$(hostname)+00000000+1~4000000~1"
says 0 "a_b_1.sif" images list --cache cache
grep -q "too few for a squash file" out || bad "the truncated image is not reported: $(cat out)"
says 0 '"name": "a_b_1.sif"' images list --cache cache --json
says 0 "would remove cache/cut_1.sqsh" images prune --cache cache --dry-run
[[ -e cache/cut_1.sqsh ]] || bad "--dry-run removes files"
says 0 "freed" images prune --cache cache
[[ $(ls -A cache) == a_b_1.sif ]] || bad "prune leaves $(ls -A cache)"
says 0 "freed 0.0 MB" images prune --cache cache --older-than none
[[ $(ls -A cache) == a_b_1.sif ]] || bad "prune without a limit leaves $(ls -A cache)"
says 0 "removed cache/a_b_1.sif" images prune --cache cache --max-size 0
[[ -z $(ls -A cache) ]] || bad "prune --max-size 0 leaves $(ls -A cache)"
says 2 "is not a size; use for example 500G" images prune --cache cache --max-size lots
says 2 "'500' has no unit; use for example 500G" images prune --cache cache --max-size 500
says 2 "'30' has no unit; use for example 30d or 12h" images prune --cache cache --older-than 30
says 1 "none" images list --cache none

# An empty value, as of a variable that is not set, is not the same as no option.
says 2 "--output is empty; give a value, or remove the option" check matrix.yaml --output ''
says 2 "--select is empty; give a value, or remove the option" check matrix.yaml --select=
says 2 "DIR is empty; give a value" status ''
says 1 "the profile 'none.yaml' does not exist; correct the path of --sweep-profile" check matrix.yaml --profile none.yaml
exit "$FAILED"
