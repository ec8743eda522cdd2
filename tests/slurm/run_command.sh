#!/usr/bin/env bash
# The same sweep without the plugin's options: sweepctl run inside an allocation, and on a single machine.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

run salloc -N4 --gpus-per-node=8 --exclusive sweepctl run --output salloc.d configs/dsr1-1k1k.yaml -- ./cpu_smoke.sh
status_is 0
json_is salloc.d/manifest.json '[.complete, (.agents | length)]' '[true,4]'
json_is salloc.d/manifest.json '[.agents[].node] | sort' '["n1","n2","n3","n4"]'

cat >batch.sh <<'S'
#!/bin/bash
sweepctl run --output batch.d configs/dsr1-1k1k.yaml -- ./cpu_smoke.sh
S
run sbatch --wait -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive -o batch.log batch.sh
status_is 0
json_is batch.d/manifest.json '[.complete, (.agents | length)]' '[true,2]'

printf 'gpus: ignore\n' >profile.yaml
run sweepctl run --output here.d --profile profile.yaml configs/dsr1-1k1k.yaml -- ./cpu_smoke.sh
status_is 0
json_is here.d/manifest.json '[.complete, (.agents | length)]' '[true,1]'
all_gone
