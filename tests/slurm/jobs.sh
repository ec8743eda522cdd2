#!/usr/bin/env bash
# All ways to start a sweep: srun inside sbatch, inside salloc, with options inherited from sbatch; --export=NONE; relative
# paths.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cat >profile.yaml <<'P'
gpus: ignore
P
one=(--sweep-select='--framework trt' --sweep-profile=profile.yaml)

batch_result() { # DIR: checks that three points are done
  json_is "$1/manifest.json" '[.complete, (.points | length)]' '[true,3]'
}

# srun in a batch script.
cat >inside.sh <<'S'
#!/bin/bash
echo "the script itself runs"
srun --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' --sweep-output=inside.d ./cpu_smoke.sh
S
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive -o inside.log inside.sh
status_is 0
file_has inside.log "the script itself runs"
batch_result inside.d

# The options are given to sbatch and inherited by srun in the script, which has changed to another folder by then.
cat >inherits.sh <<'S'
#!/bin/bash
echo "the script itself runs"
cd /
srun "$SLURM_SUBMIT_DIR/cpu_smoke.sh"
S
mkdir results.d
[[ $EUID != 0 ]] || chown nobody:nogroup results.d
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive -o inherits.log --sweep-config=configs/dsr1-1k1k.yaml \
  "${one[@]}" --sweep-output=results.d/inherited inherits.sh
# The benchmark writes its result to its current folder, and the user cannot write to /. So the sweep does not start.
status_is 1
file_has inherits.log "the script itself runs"
file_has inherits.log "cannot write to '/', where the benchmark has to leave its result: Permission denied"
[[ ! -e results.d/inherited/sweep.db ]] || fail "a sweep was started that could not leave its results"
sed -i 's,^cd /,cd "$SLURM_SUBMIT_DIR/results.d",' inherits.sh
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive -o inherits.log --sweep-config=configs/dsr1-1k1k.yaml \
  "${one[@]}" --sweep-output=inherited.d inherits.sh
status_is 0
batch_result inherited.d

# salloc.
run salloc -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive srun --sweep-config=configs/dsr1-1k1k.yaml "${one[@]}" \
  --sweep-output=salloc.d ./cpu_smoke.sh
status_is 0
batch_result salloc.d

# None or only a part of the user's environment is passed to the job. Without PATH, the script uses the program in its own
# folder.
cp -- "$SWEEP_CLUSTER/install/bin/cpu-smoke" .
for export in NONE HOME; do
  run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --export=$export --sweep-config=configs/dsr1-1k1k.yaml "${one[@]}" \
    --sweep-output=export-$export.d ./cpu_smoke.sh
  status_is 0
  batch_result export-$export.d
done

# Without --sweep-output: results_<exp-name>_<time> in the current folder. The profile names the benchmark.
printf 'benchmark: %s/cpu_smoke.sh\n' "$WORK" >own.yaml
run srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' \
  --sweep-profile=own.yaml sweep-agent
status_is 0
count_is 1 results_dsr1_1k1k_2*/manifest.json
all_gone
