#!/usr/bin/env bash
# Steps without --sweep-config, the help text, and the messages for missing programs.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

run srun --help
for option in --sweep-config=FILE --sweep-select=ARGS --sweep-output=DIR --sweep-profile=FILE; do out_has "$option"; done
for command in sbatch salloc; do
  run "$command" --help
  out_has "--sweep-config=FILE"
done

run srun -N4 --ntasks-per-node=1 --gpus-per-node=8 sh -c 'echo "gpus $CUDA_VISIBLE_DEVICES"; env | grep -c ^SLURM_SWEEP_; exit 7'
status_is 7
[[ $(sort -u out | tr '\n' ';') == "0;gpus 0,1,2,3,4,5,6,7;" ]] || fail "the plugin changed a plain step"
[[ -z $(grep -v 'exit code 7' err) ]] || fail "a plain step has additional output"
if pgrep -f "$SWEEP_CLUSTER/install/bin/sweepctl"; then fail "a plain step has a controller"; fi

# If the agent is missing on a node, the message must name the file and the node.
[[ $EUID == 0 ]] || skip "the rest needs root rights to move a program away"
bin=$SWEEP_CLUSTER/install/bin
mv "$bin/sweep-agent" "$bin/away"
run srun -N1 --gpus-per-node=8 --sweep-config=configs/dsr1-1k1k.yaml --sweep-output=agentless ./cpu_smoke.sh || true
mv "$bin/away" "$bin/sweep-agent"
status_is 127
err_has "cannot run $bin/sweep-agent on node n1: No such file or directory"

mv "$bin/sweepctl" "$bin/away"
before=$(last_job)
run srun -N1 --gpus-per-node=8 --sweep-config=configs/dsr1-1k1k.yaml ./cpu_smoke.sh || true
mv "$bin/away" "$bin/sweepctl"
status_is 1
err_has "cannot run $bin/sweepctl on host "
[[ $(last_job) == "$before" ]] || fail "a job was created"
all_gone
