#!/usr/bin/env bash
# Fails if clang-format would change a source file. To fix: clang-format -i FILE.
# Exit status: 0 all files are formatted, 1 some are not (they are listed), 77 no clang-format.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
command -v clang-format >/dev/null || { echo "no clang-format (package clang-format)"; exit 77; }
git ls-files -z -- '*.cpp' '*.hpp' '*.c' '*.h' ':!tests/fuzz/corpus' | xargs -0 clang-format --dry-run -Werror
