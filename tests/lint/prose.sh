#!/usr/bin/env bash
# Checks how the project is written, as far as a pattern can see it:
#   1. prose lines in *.md end at 100 columns (tables, code blocks and lines with a URL may be longer);
#   2. wording that needs a second reading, in documents, comments and messages;
#   3. no file names a path of the machine: the folder of this checkout, or the home of root.
# Exit status: 0 nothing found, 1 otherwise; each finding is printed as FILE:LINE: TEXT.
#
# tests/lint/prose.sh --count [PATH…] prints instead how often some words stand in 1,000 words of comments.
set -euo pipefail
export LC_ALL=C.UTF-8
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# Prints the comments of C++ sources without their comment marks.
comments() {
  awk '{
    line = $0; out = ""
    gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
    if (inside) { if (match(line, /\*\//)) { out = substr(line, 1, RSTART - 1); line = substr(line, RSTART + 2); inside = 0 }
                  else { print line; next } }
    if (match(line, /\/\//)) out = out " " substr(line, RSTART)
    else if (match(line, /\/\*/)) { rest = substr(line, RSTART + 2)
      if (match(rest, /\*\//)) out = out " " substr(rest, 1, RSTART - 1); else { out = out " " rest; inside = 1 } }
    gsub(/\/\/+!?/, "", out); if (out != "") print out
  }' "$@"
}

if [[ ${1-} == --count ]]; then
  shift
  git ls-files -z -- "${@:-.}" | grep -zE '\.(cpp|hpp|c|h)$' | grep -zv '^tests/fuzz/corpus' | xargs -0 cat | comments |
    tr 'A-Z' 'a-z' | grep -oE "[a-z][a-z']*" | awk '
      { n++; c[$0]++ }
      function rate(words,  i, k, s) { k = split(words, w, " "); for (i = 1; i <= k; i++) s += c[w[i]]; return 1000 * s / n }
      END {
        printf "%d words; per 1000: if %.1f, where %.1f, say/tell %.1f, returns %.1f\n", n, rate("if"), rate("where"),
          rate("say says said saying tell tells told telling"), rate("return returns returned")
      }'
  exit 0
fi

found=$(mktemp)
trap 'rm -f -- "$found"' EXIT

# mawk counts bytes, so awk only names the candidates; the shell counts characters.
git ls-files -z -- '*.md' | xargs -0 awk '
  FNR == 1 { fenced = 0 }
  /^ *```/ { fenced = !fenced; next }
  fenced || /^    / || /^ *\|/ || /https?:/ { next }
  length($0) > 100 { printf "%s:%d:%s\n", FILENAME, FNR, $0 }' |
  while IFS= read -r line; do
    place=${line%%:*} rest=${line#*:}
    text=${rest#*:}
    [[ ${#text} -le 100 ]] || printf '%s:%s: %d columns, at most 100\n' "$place" "${rest%%:*}" "${#text}"
  done >>"$found"

riddles=(
  'how many-eth' 'is none that' 'where there is no(ne|thing)' 'no longer knows' 'has spoken' 'of whom'
  'nobody (is|has|can|else|waits|asks|reads|knows)' 'somebody (else|has|is)' 'looks for itself' 'goes on with'
  'has another one' 'what there is to' 'that one is' 'is told (of|that|to)' 'says so' 'and this is none'
)
pattern=$(IFS='|'; printf '%s' "${riddles[*]}")
git ls-files -z -- '*.md' '*.cpp' '*.hpp' '*.c' '*.h' '*.sh' '*.yaml' '*.1' '*.7' '*.inc' '*.cmake' '*CMakeLists.txt' |
  grep -zv -e '^tests/fuzz/corpus' -e '^tests/lint/prose.sh' | xargs -0 grep -nEi "\\b($pattern)\\b" >>"$found" || true

paths=(-e /root/)
[[ $PWD != /*/* ]] || paths+=(-e "$PWD/") # a checkout such as /build has a name that scripts use for other things
git ls-files -z | grep -zv -e '^tests/fuzz/corpus' -e '^tests/lint/prose.sh' |
  xargs -0 grep -nIF "${paths[@]}" >>"$found" || true

[[ ! -s $found ]] || { cat -- "$found"; exit 1; }
