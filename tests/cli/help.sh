#!/usr/bin/env bash
# Tests each command's help: exit status 0, text on standard output, lines that fit 80 columns, all options listed. Also
# tests the message for an unknown option.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

check_help() { # PROGRAM [COMMAND]...
  "$@" --help >"$WORK/out" 2>"$WORK/err" || bad "${*:2} --help: status $?"
  [[ ! -s $WORK/err ]] || bad "${*:2} --help writes to standard error"
  local long
  long=$(awk 'length > 79' "$WORK/out")
  [[ -z $long ]] || bad "${*:2} --help: too long for 80 columns: $long"
  grep -qi "^usage: $(basename -- "$1")${*:2:1}" <(sed 's/^\([Uu]sage: [a-z-]*\) /\1/' "$WORK/out") ||
    bad "${*:2} --help does not begin with its usage"
  head -n1 "$WORK/out" | grep -qi '^usage: ' || bad "${*:2} --help does not begin with its usage"
  grep -q '^Examples:' "$WORK/out" || [[ ${2-} == serve ]] || bad "${*:2} --help has no example"
  "$@" -h | cmp -s - "$WORK/out" || bad "${*:2} -h is not --help"
}

check_help "$SWEEPCTL"
check_help "$AGENT"
check_help "$SWEEP_BUILD/bin/sweep-simserver"
check_help "$SWEEP_BUILD/bin/sweep-bench"
check_help "$SWEEP_BUILD/bin/random-gguf"
for command in "${COMMANDS[@]}" serve; do check_help "$SWEEPCTL" "$command"; done
for command in "${MATRIX[@]}"; do check_help "$SWEEPCTL" matrix "$command"; done
for command in "${COMMANDS[@]}"; do
  "$SWEEPCTL" "$command" --help | grep -q '^Exit status:' || bad "$command --help does not list its exit statuses"
done

# The options of each command. Add new options to this list too.
takes() { # COMMAND OPTION...
  local want="${*:2} --help" command
  read -ra command <<<"$1"
  [[ $(options "${command[@]}" | sort | paste -sd ' ') == "$(printf '%s\n' $want | sort | paste -sd ' ')" ]] ||
    bad "$1 --help names $(options "${command[@]}" | paste -sd ' '), not $want"
}
takes run --select --repeat --output --profile --resume --retry-failed --accept-changes --quiet
takes check --config --select --repeat --output --profile --resume --retry-failed --accept-changes --quiet --json --chdir
takes status --json
takes logs --attempt --follow
takes cancel --now --reason
takes aggregate --exp-name --json
takes process-result
takes aggregate-power --multinode --agentic --agg-result --bench-result --csv --expected-num-gpus --result-dir --power-dir \
  --logs-root --prefill-gpus --decode-gpus --expected-producer-sha --validation-result --require-power
takes process-agentic --require-requests
takes validate-agentic --failed-request-threshold
takes collect
takes collect-evals
takes validate-scores --min-score --thresholds --meta-env --model-prefix --metric-prefix --results-glob --expected-concs
takes compare-results
takes success-rate
takes summarize --json
takes plot
takes images --cache --profile --older-than --max-size --dry-run --json
takes profile --profile --allocation
takes script
takes pareto --x --by --json
takes process-changelog --base-ref --head-ref --changelog-file --trim-conc --all-evals --evals-only
takes ci-priority --policy --event-name --labels-json --queue-namespace --pr-number --criteria-json --input
takes "matrix full-sweep" --config-files --model-prefix --precision --framework --runner-type --step-size --repeat \
  --no-evals --evals-only --all-evals --runner-node-filter --scenario-type --min-conc --max-conc --max-tp --max-ep \
  --single-node --multi-node --seq-lens --runner-config --test-mode
takes "matrix test-config" --config-files --config-keys --conc --no-evals --evals-only --all-evals --runner-node-filter \
  --scenario-type --seq-lens --runner-config --key --runner-node --step-size --test-mode
takes "matrix custom" --config-files --runner-label --image --model --framework --precision --exp-name --runner-config

for command in "${COMMANDS[@]}"; do
  [[ $command != matrix ]] || continue  # prints argparse's usage before its line (tests/golden)
  status=0
  "$SWEEPCTL" "$command" --no-such-option >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
  [[ $status == 2 ]] || bad "$command --no-such-option: status $status, not 2"
  [[ ! -s $WORK/out && $(wc -l <"$WORK/err") == 1 ]] || bad "$command --no-such-option: not one line: $(cat "$WORK/err")"
  grep -q "sweepctl $command --help" "$WORK/err" || bad "$command --no-such-option does not point to --help"
done

# ends STATUS WORD ARGUMENT...: checks the command's status, and a word in its output.
ends() {
  local status=0
  "$SWEEPCTL" "${@:3}" >"$WORK/out" 2>"$WORK/err" </dev/null || status=$?
  [[ $status == "$1" ]] || bad "sweepctl ${*:3}: status $status, not $1"
  grep -qF -- "$2" "$WORK/out" "$WORK/err" || bad "sweepctl ${*:3} does not print '$2'"
}
ends 0 "Usage: sweepctl plot " help plot
ends 0 "Usage: sweepctl plot " --help plot
ends 0 "usage: sweepctl matrix custom" help matrix custom
ends 2 "unknown command 'nosuch'" help nosuch
# Without arguments, InferenceX's tools print their usage to standard output and end with status 1.
ends 1 "Usage: collect_eval_results.py <results_dir> <exp_name>" collect-evals DIR
ends 1 "Usage: python compare_results.py <results_dir>" compare-results
ends 2 "NAME is required" success-rate
ends 2 "Usage: sweepctl COMMAND"
[[ ! -s $WORK/out ]] || bad "sweepctl without arguments prints to standard output"
# An empty value is a value; the next argument must not be taken instead.
mkdir "$WORK/empty"
ends 1 "no valid results found in" pareto --by= "$WORK/empty"
ends 1 "no processed results found in" aggregate --exp-name= "$WORK/empty"
status=0
"$SWEEPCTL" --version >/dev/full 2>"$WORK/err" || status=$?
[[ $status == 1 ]] || bad "sweepctl --version to a full disk: status $status, not 1"
exit "$FAILED"
