#!/usr/bin/env bash
# cmake --install puts programs, pages and completion where man and bash look for them.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
has_docs
# Whole paths of the system (Slurm's folders, /etc) go below DESTDIR; the prefix is the build's own.
DESTDIR=$WORK/root cmake --install "$SWEEP_BUILD" >"$WORK/out" 2>&1 || { cat "$WORK/out" >&2; bad "cmake --install fails"; }
prefix=$WORK/root$(sed -n 's/^CMAKE_INSTALL_PREFIX:[A-Z]*=//p' "$SWEEP_BUILD/CMakeCache.txt")

[[ -x $prefix/bin/sweepctl && -x $prefix/bin/sweep-agent && -x $prefix/bin/sweep-simserver && -x $prefix/bin/sweep-bench ]] || bad "no programs in $prefix/bin"
for command in "${COMMANDS[@]}"; do
  [[ -s $prefix/share/man/man1/sweepctl-$command.1 ]] || bad "no page of sweepctl $command in share/man/man1"
done
for page in man1/sweepctl.1 man1/sweep-agent.1 man1/sweep-simserver.1 man1/sweep-bench.1 man7/sweep-config.7; do
  cmp -s "$SWEEP_BUILD/docs/$page" "$prefix/share/man/$page" || bad "no share/man/$page"
done
cmp -s "$SWEEP_BUILD/docs/completions/sweepctl" "$prefix/share/bash-completion/completions/sweepctl" ||
  bad "no share/bash-completion/completions/sweepctl"
"$prefix/bin/sweepctl" plot --help | grep -q '^Usage: sweepctl plot ' || bad "the installed sweepctl has no help"
exit "$FAILED"
