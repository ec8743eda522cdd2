#!/usr/bin/env bash
# Tests these sources on Debian 13: builds them with its g++ against its Slurm (24.11), installs and removes the packages,
# runs a sweep on that Slurm, and runs tests/slurm. All of this happens in chroots. The options are those of
# deploy/package-test.sh, which does the work.
set -euo pipefail
exec "$(dirname -- "${BASH_SOURCE[0]}")/package-test.sh" --suite trixie --slurm-tests "$@"
