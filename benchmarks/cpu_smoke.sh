#!/bin/sh
# The benchmark script of cpu-smoke: a point of the InferenceMAX contract, measured on the CPU. For trying a sweep
# where there is no GPU. The point comes in the environment; the result is $RESULT_FILENAME.json here.
#
# It becomes the program (exec), so that signals and the exit status are the program's.
here=$(dirname -- "$(readlink -f -- "$0")")
for program in "$CPU_SMOKE" "$here/cpu-smoke" "$here/../bin/cpu-smoke" "$here/../../../bin/cpu-smoke" \
  "$here/../build/bin/cpu-smoke"; do
  if [ -f "$program" ] && [ -x "$program" ]; then
    exec "$program"
  fi
done
if command -v cpu-smoke >/dev/null; then
  exec cpu-smoke
fi
echo "cpu_smoke.sh: no cpu-smoke beside $here, in ../bin, in ../build/bin or in PATH; build it, or set CPU_SMOKE" >&2
exit 127
