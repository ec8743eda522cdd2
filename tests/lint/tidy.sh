#!/usr/bin/env bash
# Runs clang-tidy over every source of every folder, with the checks of .clang-tidy; any finding is an error.
#
# It reads several sources of a folder as one file (CMake's unity build), because parsing the headers once per source would
# take most of an hour. Nothing is compiled. The slow static analyzer and the checks of
# performance and narrowing are for the product only, not for tests.
# SWEEP_BUILD sets the build folder (default: build); the configuration goes to its folder lint/.
# Exit status: 0 no findings, 1 findings (printed), 77 no clang-tidy.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
build=${SWEEP_BUILD:-$root/build}/lint
command -v clang-tidy >/dev/null || { echo "no clang-tidy (package clang-tidy)"; exit 77; }

cmake -S "$root" -B "$build" -G Ninja -DCMAKE_UNITY_BUILD=ON -DSWEEP_PCH=OFF -DCMAKE_CXX_COMPILER=clang++ \
  -DCMAKE_C_COMPILER=clang -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$build.log" 2>&1 || { cat -- "$build.log"; exit 1; }
mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" | sort -u)
[[ ${#files[@]} -gt 0 ]] || { echo "no sources in $build/compile_commands.json"; exit 1; }
status=0
for file in "${files[@]}"; do
  checks=()
  [[ $file != "$build"/tests/* ]] || checks=(--checks=-clang-analyzer-*,-performance-*,-bugprone-narrowing-conversions)
  clang-tidy -p "$build" --quiet --warnings-as-errors='*' "${checks[@]}" "$file" 2>>"$build.err" || status=1
done
exit "$status"
