#!/usr/bin/env bash
# What deploy/quickstart.sh prints and builds, with stand-ins for everything that it calls.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
mkdir -p "$WORK/tree/deploy" "$WORK/bin" "$WORK/here"
cp "$ROOT/deploy/quickstart.sh" "$WORK/tree/deploy"
cd -- "$WORK/here" || exit

stand_in() { # FILE: reads its text
  { printf '#!/usr/bin/env bash\n'; cat; } >"$1"
  chmod +x "$1"
}
stand_in "$WORK/tree/deploy/install-packages.sh" <<<'echo "installs $*"'
stand_in "$WORK/tree/deploy/devcluster" <<<'[[ $1 == env ]] || echo "cluster $*"'
stand_in "$WORK/bin/cmake" <<'E'
echo "cmake $*" >>"$CALLS"
[[ $1 == --build ]] || exit 0
for n in {1..50}; do echo "[$n/50] Building X"; done
[[ -z ${BROKEN-} ]] || { echo "x.cpp:1: error: broken"; exit 1; }
E
stand_in "$WORK/bin/srun" <<'E'
[[ -z ${REFUSED-} ]] || { echo "srun: refused" >&2; exit 1; }
for word; do [[ $word != --sweep-output=* ]] || out=${word#*=}; done
mkdir -p "$out"
echo "10 of 10 points done" >"$out/summary.txt"
[[ -n ${INVALID-} ]] || touch "$out/a.png" "$out/b.png"
exit "${INVALID:-0}"
E
export PATH=$WORK/bin:$PATH CALLS=$WORK/calls TERM=dumb

"$WORK/tree/deploy/quickstart.sh" >out 2>err || bad "status $?: $(cat err)"
first=$(head -n 1 out)
[[ $first == "The results will be in $PWD/results_quickstart_"* ]] || bad "the first line is '$first'"
folder=${first#The results will be in }
[[ -d $folder ]] || bad "the results are not in the folder that was printed first"
for target in sweepctl sweep-agent spank_sweep sweep-bench sweep-simserver cpu-smoke docs; do
  grep -q -- "--target .*\b$target\b" "$CALLS" || bad "$target is not built"
done
grep -q "^The first build takes about [0-9]* min on [0-9]* cores; its complete log is in $WORK/tree/build/quickstart.log$" out ||
  bad "no expected time or log: $(grep first out)"
[[ $(grep -c '^\[[0-9]*/50\]' out) == 3 ]] || bad "not three lines of progress: $(grep '^\[' out)"
grep -q '^\[40/50\], about [0-9]* s left$' out || bad "no time that is left: $(grep '^\[' out)"
grep -qx '\[50/50\]' out || bad "no last line of progress"
[[ $(wc -l <"$WORK/tree/build/quickstart.log") == 50 ]] || bad "the log is not complete"
grep -q "sweepctl status $folder" out || bad "the end does not name the folder"
[[ $(grep '^plot ' out) == "plot     $folder/a.png"$'\n'"plot     $folder/b.png" ]] || bad "not two plots: $(grep plot out)"

# No file is named that is not there.
rm -r -- "$folder"
if REFUSED=1 "$WORK/tree/deploy/quickstart.sh" >out 2>err; then bad "a sweep that does not start is not an error"; fi
grep -q '^quickstart: the sweep did not run; see the messages above$' err || bad "another error: $(cat err)"
if INVALID=3 "$WORK/tree/deploy/quickstart.sh" >out 2>err; then bad "results that are not valid are no error"; fi
grep -q '^quickstart: not every point is done and has a valid result; see results_.*/summary.txt' err ||
  bad "another error: $(cat err)"

if BROKEN=1 "$WORK/tree/deploy/quickstart.sh" >out 2>err; then bad "a broken build is not an error"; fi
grep -q 'x.cpp:1: error: broken' err || bad "a broken build does not show its error"
grep -q "the build failed; its complete log is in $WORK/tree/build/quickstart.log" err || bad "no log is named: $(cat err)"
exit "$FAILED"
