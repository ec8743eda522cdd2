# shellcheck shell=bash
# Acts as the user: starts the sweep, and when it ends with unfinished points, resumes it in a new job. Runs in parallel
# with the faults. Writes srun/N.out and srun/N.err of each srun, the pid of the current one to srun.pid, and a log.
# Sourced by tests/chaos.sh.

# The command of the first start. A resume is this with --sweep-resume, or the command that the program printed last.
SWEEP=(srun -N4 --gpus-per-node=8 --exclusive --sweep-config=matrix.yaml --sweep-profile=profile.yaml)

begin_srun() { # COMMAND...: starts it in the background and in a new session, as from a terminal; sets SRUN to its pid
  (
    exec </dev/null >"$WORK/srun/$NUMBER.out" 2>"$WORK/srun/$NUMBER.err"
    printf '%s ' "$@" >"$WORK/srun/$NUMBER.command"
    # A shell without job control makes its background commands ignore Ctrl-C.
    exec setsid "${AS[@]}" env -u SLURM_JOB_ID HOME="$WORK/home" SLURM_CONF="$SLURM_CONF" PATH="$PATH" \
      --default-signal=INT,QUIT "$@"
  ) &
  SRUN=$!
  echo "$SRUN" >"$WORK/srun.pid"
}

# Prints the command that the last srun printed for resuming the sweep.
printed_command() {
  local file=$WORK/srun/$((NUMBER - 1)).out
  [[ -s $file ]] && sed -n 's/^.*; \(to resume\|to retry\): \(cd .*\)$/\2/p' "$file" | tail -n 1
}

BEGUN=no
choose_command() { # sets COMMAND
  local options=()
  chance 2
  options+=("--ntasks-per-node=$((1 + REPLY))")
  chance 4
  if ((REPLY == 0)); then
    options+=(--time=1)
    chance 2
    ((REPLY == 0)) || options+=(--signal=USR1@20)
  fi
  chance 2
  local use_printed=$REPLY printed
  # Once the sweep exists it is resumed, even while its directory is moved away.
  if [[ -e $OUT/sweep.db ]]; then BEGUN=yes; fi
  if [[ $BEGUN == no ]]; then
    COMMAND=("${SWEEP[@]}" "${options[@]}" --sweep-output="$OUT" "$WORK/home/bench.sh")
    return
  fi
  printed=$(printed_command) || printed=''
  if ((use_printed)) && [[ -n $printed ]]; then
    COMMAND=(bash -c "${printed/&& srun/&& exec srun}")
    return
  fi
  COMMAND=("${SWEEP[@]}" "${options[@]}" --sweep-resume --sweep-retry-failed --sweep-output="$OUT" "$WORK/home/bench.sh")
}

somebody_left() { [[ -n $(agents; controllers; supervisors) ]]; }

# If supervisor and controller are both gone, this srun cannot complete. A user would notice and end it, and so does this.
watch_srun() {
  local alone=0
  while kill -0 "$SRUN" 2>/dev/null; do
    sleep 0.5
    if [[ -n $(jobs_here) && -z $(controllers) && -z $(supervisors) ]]; then alone=$((alone + 1)); else alone=0; fi
    if ((alone >= 2 * (AWAY + 15))); then
      note "$WORK/driver.log" "srun $NUMBER has been running without a controller for $((AWAY + 15)) s; killed"
      note "$WORK/oddities.log" "srun $NUMBER did not end by itself after it had lost its controller"
      kill -KILL "$SRUN" 2>/dev/null || true
    fi
  done
}

is_all_done() { # according to sweepctl status
  user timeout 20 "$CLUSTER/install/bin/sweepctl" status "$OUT" --json >"$WORK/status.json" 2>/dev/null &&
    jq -e --argjson n "$POINTS" '.done == $n' "$WORK/status.json" >/dev/null 2>&1
}

driver() {
  trap - EXIT
  set +e
  seed_choices 2
  cd -- "$WORK/home" || exit 1
  local limit=$((SECONDS + MINUTES * 60 + GRACE)) status
  for ((NUMBER = 1; SECONDS < limit; ++NUMBER)); do
    choose_command
    note "$WORK/driver.log" "srun $NUMBER: ${COMMAND[*]}"
    begin_srun "${COMMAND[@]}"
    watch_srun
    wait "$SRUN"
    status=$?
    : >"$WORK/srun.pid"
    note "$WORK/driver.log" "srun $NUMBER ended with $status: $(grep -v '^$' "$WORK/srun/$NUMBER.err" | tail -n 1)"
    ((status != 0)) || return 0
    if grep -q 'nothing to resume' "$WORK/srun/$NUMBER.err"; then return 0; fi
    # Some users wait until the old processes are gone, some do not.
    chance 2
    if ((REPLY)); then
      local patience=100
      while somebody_left && ((patience-- > 0)); do sleep 0.2; done
    fi
    # After a refusal, wait longer before the next try.
    if grep -qE 'refused before|before it was ready' "$WORK/srun/$NUMBER.err"; then pause 1000 4000; else pause 0 1000; fi
    as_root scontrol update NodeName=n[1-4] State=RESUME 2>/dev/null
  done
  note "$WORK/driver.log" "the time limit is reached"
  return 1
}
