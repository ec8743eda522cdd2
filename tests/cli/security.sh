#!/usr/bin/env bash
# Checks that every test named in docs/security.md exists: `Suite.Name` as a GoogleTest case, tests/….sh as a script.
set -euo pipefail
export LC_ALL=C.UTF-8
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
page=$ROOT/docs/security.md
FAILED=0
bad() { printf 'FAILED: %s\n' "$*" >&2; FAILED=1; }

# Line breaks are removed first, because a TEST_F( may be broken before its second name.
known=$(find "$ROOT/tests" -name '*_test.cpp' -exec cat {} + | tr '\n' ' ' |
  grep -oE 'TEST(_F|_P)?\( *[A-Za-z0-9_]+, *[A-Za-z0-9_]+ *\)' | sed -E 's/^TEST[_FP]*\( *([A-Za-z0-9_]+), *([A-Za-z0-9_]+) *\)$/\1.\2/')
mapfile -t named < <(grep -oE '`[A-Z][A-Za-z0-9]*\.[A-Z][A-Za-z0-9]*`' "$page" | tr -d '`' | sort -u)
mapfile -t scripts < <(grep -oE '`tests/[a-z_/]*\.sh`' "$page" | tr -d '`' | sort -u)
[[ ${#named[@]} -ge 30 && ${#scripts[@]} -ge 2 ]] || bad "only ${#named[@]} tests and ${#scripts[@]} scripts were found in $page"
for test in "${named[@]}"; do grep -qxF -- "$test" <<<"$known" || bad "docs/security.md names the test $test, which does not exist"; done
for script in "${scripts[@]}"; do [[ -s $ROOT/$script ]] || bad "docs/security.md names $script, which does not exist"; done

# Every row of its tables must name a test.
while read -r row; do bad "this row of docs/security.md names no test: $row"; done < <(grep -E '^\| ' "$page" | grep -vE '^\| cannot \| shown by \|$' | grep -v '`[A-Z][A-Za-z0-9]*\.[A-Z]')
exit "$FAILED"
