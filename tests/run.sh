#!/usr/bin/env bash
# Installs missing packages, builds, and runs every test with ctest, including the tests on a real Slurm.
#
#   tests/run.sh [CTEST-ARGUMENT]...      example: tests/run.sh -R matrix
#
# SWEEP_BUILD sets the build folder (default: build/). The exit status is that of ctest.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=${SWEEP_BUILD:-$root/build}

"$root/deploy/install-packages.sh"
werror=OFF
[[ ${CI-} != true ]] || werror=ON
cmake -S "$root" -B "$build" -G Ninja -DSWEEP_WERROR=$werror -DSWEEP_TESTS=ON -DSWEEP_BENCHMARKS=ON
cmake --build "$build"
exec ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
