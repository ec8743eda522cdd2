#!/usr/bin/env bash
# Tests that cmake --install installs exactly the files in installed.txt, in the places where man, bash and Slurm look for
# them, and that the target uninstall removes all of them. Both must keep an edited site profile.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
has_docs
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# Saves the build's records of an installation that its developer has made, and restores them at the end.
notes=("$SWEEP_BUILD"/install_manifest.txt "$SWEEP_BUILD"/install_folders.txt)
mkdir -- "$WORK/notes"
for file in "${notes[@]}"; do [[ ! -e $file ]] || mv -- "$file" "$WORK/notes/"; done
# shellcheck disable=SC2329 # the trap calls it
put_back() {
  rm -f -- "${notes[@]}"
  mv -- "$WORK"/notes/* "$SWEEP_BUILD/" 2>/dev/null || true
  rm -rf -- "$WORK"
}
trap put_back EXIT

cached() { sed -n "s/^$1:[A-Z]*=//p" "$SWEEP_BUILD/CMakeCache.txt"; }
prefix=$(cached CMAKE_INSTALL_PREFIX) etc=$(cached SWEEP_SYSCONF_DIR)
# Absolute paths of the system (Slurm's folders, /etc) are below DESTDIR; the prefix is that of the build.
export DESTDIR=$WORK/root
quietly() { "$@" >"$WORK/out" 2>&1 || { cat "$WORK/out" >&2; bad "$* fails"; }; }

quietly cmake --install "$SWEEP_BUILD"
{
  sed -e '/^#/d' -e "s#^PREFIX/#$prefix/#" -e "s#^PLUGINS/#$(cached SLURM_PLUGIN_DIR)/#" \
    -e "s#^SLURM/#$(cached SLURM_SYSCONF_DIR)/#" -e "s#^SITE/#$etc/#" "$here/installed.txt"
  printf "$prefix/share/man/man1/sweepctl-%s.1\n" "${COMMANDS[@]}"
} | sort >"$WORK/wanted"
(cd -- "$DESTDIR" && find . -type f -printf '/%P\n') | sort >"$WORK/there"
diff -- "$WORK/wanted" "$WORK/there" >&2 || bad "the installed files differ from tests/cli/installed.txt (< expected, > installed)"
[[ -z $(find "$DESTDIR" -name '*.md' -empty) ]] || bad "an installed page is empty"
for page in man1/sweepctl.1 man7/sweep-config.7; do
  cmp -s "$SWEEP_BUILD/docs/$page" "$DESTDIR$prefix/share/man/$page" || bad "share/man/$page differs from the build's page"
done
"$DESTDIR$prefix/bin/sweepctl" plot --help | grep -q '^Usage: sweepctl plot ' || bad "the installed sweepctl has no help"
"$DESTDIR$prefix/share/slurm-sweep/configs/scripts/simulated.sh" --help >/dev/null 2>&1 || [[ $? != 126 ]] || bad "an installed script is not executable"

profile=$DESTDIR$etc/profile.yaml
quietly "$SWEEPCTL" check --profile "$profile" "$DESTDIR$prefix/share/slurm-sweep/configs/dsr1-1k1k.yaml"
echo 'packing: gpu' >>"$profile"
quietly cmake --install "$SWEEP_BUILD"
grep -q "Kept: $profile" "$WORK/out" && grep -qx 'packing: gpu' "$profile" || bad "an edited profile is overwritten, or the message that it is kept is missing"
quietly cmake --build "$SWEEP_BUILD" --target uninstall
[[ $(cd -- "$DESTDIR" && find . -type f -printf '/%P\n') == "$etc/profile.yaml" ]] ||
  bad "uninstall leaves files other than the edited profile: $(find "$DESTDIR" -type f)"

mv -- "$profile" "$WORK/profile"
rm -rf -- "$DESTDIR"
mkdir -p -- "$DESTDIR$prefix/bin" "$DESTDIR/etc"
find "$DESTDIR" | sort >"$WORK/before"
quietly cmake --install "$SWEEP_BUILD"
quietly cmake --build "$SWEEP_BUILD" --target uninstall
find "$DESTDIR" | sort | diff -- "$WORK/before" - >&2 || bad "uninstall leaves files, or removes folders that existed before"
if cmake --build "$SWEEP_BUILD" --target uninstall >"$WORK/out" 2>&1 || ! grep -q 'nothing to remove' "$WORK/out"; then
  bad "uninstall without an installation does not fail with a message"
fi
exit "$FAILED"
