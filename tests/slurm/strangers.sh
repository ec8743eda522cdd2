#!/usr/bin/env bash
# On a real Slurm: munge is used by default, the step's own agents are admitted, and another user who has the sweep's key is
# refused.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
[[ $EUID == 0 ]] || skip "only root can run programs as two different users"

benchmark waits.sh <<'SH'
#!/bin/sh
echo here >"$WORK_DIR/started.$$"
until [ -e "$WORK_DIR/go" ]; do sleep 0.1; done
exec "$WORK_DIR/cpu_smoke.sh"
SH
export WORK_DIR=$WORK
user srun -N1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-output=out ./waits.sh >out.txt 2>err &
sweep=$!
some_started() { compgen -G "$WORK/started.*" >/dev/null; }
wait_until 60 "a benchmark runs" some_started
file_has out/logs/controller.log "agents are admitted by the sweep's key and a munge credential of uid $(id -u nobody)"

key() { jq -r ".$1" out/sweep.control; }
other() { # COMMAND...: runs it as another user and sets STATUS
  STATUS=0
  setpriv --reuid=65533 --regid=65533 --clear-groups env -i PATH="$PATH" SLURM_CONF="$SLURM_CONF" "$@" >other.out 2>other.err </dev/null || STATUS=$?
}
other cat "$WORK/out/sweep.control"
status_is 1
[[ ! -s other.out ]] || fail "another user can read sweep.control"
other sweepctl status "$WORK/out"
status_is 1
other sweepctl cancel "$WORK/out"
status_is 1
other SLURM_SWEEP_ENDPOINT="$(key endpoint)" SLURM_SWEEP_SERVER_KEY="$(key server_key)" \
  SLURM_SWEEP_CLIENT_SECRET="$(key client_secret)" sweep-agent
status_is_not 0
file_has other.err "sent a munge credential of another user"

# No secret must be in the arguments of any process.
for name in client_secret server_secret; do
  secret=$(key "$name")
  for file in /proc/[0-9]*/cmdline; do
    ! grep -qaF -- "$secret" "$file" 2>/dev/null || fail "$name is in $file"
  done
done

touch go
chown nobody: go
wait "$sweep" || fail "the sweep ended with status $?: $(cat err)"
file_has err "1 agent refused although it had the sweep's key"
all_gone
