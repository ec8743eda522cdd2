#!/usr/bin/env bash
# Changes one line of the product at a time and reports whether a test fails. A change that no test notices is a survivor;
# each one needs a test. Run by hand: a change that a test notices takes some 15 s, a survivor some minutes.
#
# It works in a git worktree of HEAD in a scratch folder and leaves the checkout alone. The lines are chosen at random from
# all boxes; the same --seed chooses the same lines of the same commit.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tests/mutate.sh [OPTION]...
Mutates lines of the product chosen at random and prints a table: line, change, killed by which test, or SURVIVED.
  --count N     mutants that compile (default: 60)
  --seed N      for the choice of lines (default: 1)
  --box PREFIX  only files whose path begins with PREFIX, such as controller/core
  --work DIR    scratch folder, kept for the next run (default: /var/tmp/slurm-sweep-mutants)
  --jobs N      compilers at once (default: number of cores)
Exit status: 0 every mutant was killed, 1 some survived, 2 wrong usage or the unchanged tree does not pass.
USAGE
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
count=60 seed=1 box='' work=/var/tmp/slurm-sweep-mutants jobs=$(nproc)
while [[ $# -gt 0 ]]; do
  case $1 in
    --count | --seed | --box | --work | --jobs)
      [[ $# -ge 2 ]] || { echo "mutate: $1 needs a value" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "mutate: unknown option '$1'" >&2; usage >&2; exit 2 ;;
  esac
done

tree=$work/tree build=$work/build
mkdir -p -- "$work"
if [[ -d $tree ]]; then
  git -C "$tree" checkout -q --detach -f "$(git -C "$root" rev-parse HEAD)"
else
  git -C "$root" worktree add -q --detach "$tree" HEAD
fi
trap 'git -C "$tree" checkout -q -f HEAD' EXIT

# Prints the test programs of a file's box. They run first; if all pass, every test without Slurm runs.
tests_of() {
  case $1 in
    agent/core/*) echo agent_core_test sim_test ;;
    agent/*) echo agent_io_test agent_spool_test agent_nvml_test process_test ;;
    container/core/*) echo container_core_test ;;
    container/*) echo container_store_test container_process_test ;;
    controller/core/*) echo core_test core_simulation_test sim_test ;;
    controller/journal/*) echo journal_test damage_test ;;
    controller/yaml/*) echo yaml_test matrix_test ;;
    controller/matrix/*) echo matrix_test ;;
    controller/profile/*) echo profile_test plan_test configs_test ;;
    controller/report/*) echo report_test ;;
    controller/plan/* | controller/view/*) echo plan_test view_test ;;
    controller/io/*) echo opening_test guard_test damage_test process_test ;;
    controller/*) echo process_test ;;
    util/* | proto/*) echo base_test wire_test net_test ;;
    benchmarks/sweep-bench/*) echo bench_client_test bench_client_process_test ;;
    benchmarks/sweep-simserver/*) echo simserver_test simserver_process_test ;;
    spank_plugin/*) echo spank_host_test ;;
  esac
}

# Runs one test program; its output goes to $work/tests.log.
run_test() {
  local arguments=(--gtest_brief=1 --gtest_fail_fast)
  [[ $1 != sim_test ]] || arguments=(1 500)
  timeout 300 "$build/tests/$1" "${arguments[@]}" >"$work/tests.log" 2>&1
}

# Prints a failed test program and the first of its tests that failed.
failure_of() { printf '%s %s\n' "$1" "$(sed -nE 's/^\[  FAILED  \] ([^ ,]*).*/\1/p' "$work/tests.log" | head -n 1)"; }

# Prints the mutated line, or nothing if no rule fits. Rules are tried from a random one on.
mutated() {
  awk -v seed="$2" '
    function sub_once(pattern, by) { if (match(line, pattern)) { line = substr(line, 1, RSTART - 1) by substr(line, RSTART + RLENGTH); return 1 } return 0 }
    {
      line = $0; srand(seed); n = 14; first = int(rand() * n)
      for (i = 0; i < n; i++) {
        r = (first + i) % n; ok = 0
        if (r == 0) ok = sub_once(" == ", " != ")
        if (r == 1) ok = sub_once(" != ", " == ")
        if (r == 2) ok = sub_once(" && ", " || ")
        if (r == 3) ok = sub_once(" \\|\\| ", " \\&\\& ")
        if (r == 4) ok = sub_once(" < ", " <= ")
        if (r == 5) ok = sub_once(" > ", " >= ")
        if (r == 6) ok = sub_once(" <= ", " < ")
        if (r == 7) ok = sub_once(" >= ", " > ")
        if (r == 8) ok = sub_once(" \\+ 1", "")
        if (r == 9) ok = sub_once("return true", "return false")
        if (r == 10) ok = sub_once("return false", "return true")
        if (r == 11) ok = sub_once("if \\(!", "if (")
        if (r == 12) ok = sub_once("std::min", "std::max")
        if (r == 13) ok = match(line, /^ +[a-z_.>-]+\(.*\);$/) && sub_once("[a-z_].*$", ";")
        if (ok) { gsub(/\\&/, "\\&", line); print line; exit }
      }
    }' <<<"$1"
}

build() { ninja -C "$build" -j "$jobs" "$@" >"$work/build.log" 2>&1; }

# Prints the test programs, the quick ones first. A program runs all its tests much faster than ctest, which starts one
# process per test.
programs_by_time() {
  local slow='bench_client_process_test simserver_process_test container_process_test process_test'
  comm -23 <(cd "$build/tests" && printf '%s\n' *_test | sort) <(printf '%s\n' sim_test $slow | sort)
  printf '%s\n' sim_test $slow
}

# Runs every test but those that need Slurm. Prints the first that fails; nothing if all pass.
first_failure() {
  local program
  for program in $(programs_by_time); do
    run_test "$program" || { failure_of "$program"; return 0; }
  done
  ctest --test-dir "$build" -j "$jobs" --stop-on-failure --timeout 300 -R '^(golden|cli)\.' >"$work/tests.log" 2>&1 ||
    sed -n 's/^.* - \([^ ]*\) (.*$/\1/p' "$work/tests.log" | head -n 1
}

cmake -S "$tree" -B "$build" -G Ninja -DSWEEP_WERROR=OFF >"$work/cmake.log"
mapfile -t all_targets < <(ninja -C "$build" -t targets all |
  sed -nE 's/^([a-z_]*_test|sweepctl|sweep-[a-z]*|spank_sweep|cpu-smoke|bench_[a-z_]*|bench-noop|pyxis_stand_in): phony.*/\1/p' | sort -u)
build "${all_targets[@]}" || { tail "$work/build.log" >&2; exit 2; }
failure=$(first_failure)
[[ -z $failure ]] || { echo "mutate: the unchanged tree does not pass: $failure" >&2; exit 2; }

# Prints the test that fails with the change in place, or SURVIVED; nothing if it does not compile.
verdict_on() {
  local program programs
  read -ra programs <<<"$(tests_of "$1")"
  build "${programs[@]}" sweepctl sweep-agent sweep-bench sweep-simserver spank_sweep || return 0
  for program in "${programs[@]}"; do
    run_test "$program" || { failure_of "$program"; return 0; }
  done
  build "${all_targets[@]}" || return 0
  program=$(first_failure)
  echo "${program:-SURVIVED}"
}

# All lines that a rule could change: no comments, no includes, no strings only, no assertions.
mapfile -t candidates < <(cd "$tree" && git ls-files -- '*.cpp' | grep -E '^(util|proto|container|agent|controller|spank_plugin|benchmarks/sweep-)' |
  grep -E "^$box" | xargs grep -nHE ' (==|!=|&&|\|\||<|>|<=|>=) | \+ 1|return (true|false)|if \(!|std::min|^ +[a-z_.>-]+\(.*\);$' |
  grep -vE ':[0-9]+: *(//|#|assert|static_assert|template)|<<|operator' | shuf --random-source=<(openssl enc -aes-256-ctr -pass "pass:$seed" -nosalt </dev/zero 2>/dev/null))

survived=0 done=0
for candidate in "${candidates[@]}"; do
  [[ $done -lt $count ]] || break
  file=${candidate%%:*} rest=${candidate#*:}
  number=${rest%%:*} text=${rest#*:}
  change=$(mutated "$text" "$seed$number")
  [[ -n $change && $change != "$text" ]] || continue
  printf '%s\n' "$change" >"$work/line"
  sed -i -e "${number}r $work/line" -e "${number}d" "$tree/$file"
  verdict=$(verdict_on "$file")
  if [[ -n $verdict ]]; then
    done=$((done + 1))
    [[ $verdict != SURVIVED ]] || survived=$((survived + 1))
    printf '%2d %-46s %s\n     %s\n     %s\n' "$done" "$file:$number" "$verdict" "${text#"${text%%[! ]*}"}" "${change#"${change%%[! ]*}"}"
  fi
  git -C "$tree" checkout -q -f HEAD -- "$file"
done
printf '%d mutants, %d killed, %d survived (seed %s)\n' "$done" $((done - survived)) "$survived" "$seed"
[[ $survived -eq 0 ]]
