#!/usr/bin/env bash
# The same sources on Debian 13: built there against its Slurm (24.11) with its g++, their packages installed and removed,
# a sweep on that Slurm, and tests/slurm. All in chroots: deploy/package-test.sh says how, and takes the options.
set -euo pipefail
exec "$(dirname -- "${BASH_SOURCE[0]}")/package-test.sh" --suite trixie --slurm-tests "$@"
