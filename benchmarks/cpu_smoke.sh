#!/bin/sh
# The benchmark script of cpu-smoke: a point of the InferenceMAX contract, measured on the CPU, to try a sweep
# without a GPU. The point is read from environment variables; the result is $RESULT_FILENAME.json in the
# working directory.
#
# The script executes the program (exec), so signals and the exit status are the program's.
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
echo "cpu_smoke.sh: cannot find cpu-smoke in $here, ../bin, ../../../bin, ../build/bin or PATH; build it, or set CPU_SMOKE" >&2
exit 127
