#!/usr/bin/env bash
# Every way into a job: srun inside sbatch, inside salloc, inherited from sbatch; --export=NONE; relative paths.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cat >profile.yaml <<'P'
gpus: ignore
P
one=(--sweep-select='--framework trt' --sweep-profile=profile.yaml)

batch_result() { # DIR: three points done
  json_is "$1/manifest.json" '[.complete, (.points | length)]' '[true,3]'
}

# srun inside a batch script.
cat >inside.sh <<'S'
#!/bin/bash
echo "the script itself runs"
srun --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' --sweep-output=inside.d ./cpu_smoke.sh
S
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 -o inside.log inside.sh
status_is 0
file_has inside.log "the script itself runs"
batch_result inside.d

# The option given to sbatch, inherited by the srun in the script, which stands in another folder by then.
cat >inherits.sh <<'S'
#!/bin/bash
echo "the script itself runs"
cd /
srun "$SLURM_SUBMIT_DIR/cpu_smoke.sh"
S
mkdir results.d
[[ $EUID != 0 ]] || chown nobody:nogroup results.d
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 -o inherits.log --sweep-config=configs/dsr1-1k1k.yaml \
  "${one[@]}" --sweep-output=results.d/inherited inherits.sh
# The benchmark leaves its result where it runs, and / is not the user's: the points fail, in order, and say why.
status_is 1
file_has inherits.log "the script itself runs"
json_is results.d/inherited/manifest.json '[.complete, .points[0].attempts[0].outcome.kind]' '[false,"benchmark-failed"]'
sed -i 's,^cd /,cd "$SLURM_SUBMIT_DIR/results.d",' inherits.sh
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 -o inherits.log --sweep-config=configs/dsr1-1k1k.yaml \
  "${one[@]}" --sweep-output=inherited.d inherits.sh
status_is 0
batch_result inherited.d

# salloc.
run salloc -N2 --ntasks-per-node=1 --gpus-per-node=8 srun --sweep-config=configs/dsr1-1k1k.yaml "${one[@]}" \
  --sweep-output=salloc.d ./cpu_smoke.sh
status_is 0
batch_result salloc.d

# Nothing of the user's environment, or only some of it, goes into the job. Without PATH the script finds its program beside it.
cp -- "$SWEEP_CLUSTER/install/bin/cpu-smoke" .
for export in NONE HOME; do
  run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --export=$export --sweep-config=configs/dsr1-1k1k.yaml "${one[@]}" \
    --sweep-output=export-$export.d ./cpu_smoke.sh
  status_is 0
  batch_result export-$export.d
done

# No name for the output: results_<exp-name>_<time> in the current folder. The benchmark from the profile.
printf 'benchmark: %s/cpu_smoke.sh\n' "$WORK" >own.yaml
run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' \
  --sweep-profile=own.yaml sweep-agent
status_is 0
count_is 1 results_dsr1_1k1k_2*/manifest.json
all_gone
