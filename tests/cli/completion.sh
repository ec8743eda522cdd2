#!/usr/bin/env bash
# Tests the completion in a bash that has loaded nothing else.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
has_docs
script=$SWEEP_BUILD/docs/completions/sweepctl
cd -- "$WORK" || exit
mkdir results "two words"
touch matrix.yaml "other matrix.yaml"

offered() { # WORD...: prints the completions of the last word, sorted, in one line
  # shellcheck disable=SC2016 # for the bash inside
  bash --norc --noprofile -uc '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sweepctl; printf "%s\n" "${COMPREPLY[@]}"' \
    "$script" "$@" | sort | tr '\n' ' ' | sed 's/ $//'
}
offers() { # EXPECTED WORD...: checks the completions of the last word
  local want got
  want=$(printf '%s\n' $1 | sort | tr '\n' ' ' | sed 's/ $//')
  got=$(offered "${@:2}")
  [[ $got == "$want" ]] || bad "after '${*:2}': '$got', expected '$want'"
}

offers "${COMMANDS[*]}" sweepctl ""
offers "pareto plot process-agentic process-changelog process-result profile" sweepctl p
offers "--help --version" sweepctl -
offers "${MATRIX[*]}" sweepctl matrix ""
for command in "${COMMANDS[@]}"; do offers "$(options "$command" | paste -sd ' ')" sweepctl "$command" --; done
for command in "${MATRIX[@]}"; do
  offers "$(options matrix "$command" | paste -sd ' ')" sweepctl matrix "$command" --
  offers "$(options matrix "$command" | paste -sd ' ')" sweepctl matrix "$command" ""
done

offers "median_intvty median_e2el" sweepctl pareto --x ""
offers "median_e2el" sweepctl pareto results --x median_e
offers "median_e2el" sweepctl pareto --x = median_e
offers "median_intvty median_e2el" sweepctl pareto --x =
offers "hw framework precision tp ep dp_attention" sweepctl pareto --by ""
offers "hw,framework hw,precision hw,tp hw,ep hw,dp_attention" sweepctl pareto --by hw,
offers "1k1k 1k8k 8k1k" sweepctl matrix full-sweep --seq-lens ""
offers "1k8k 1k1k" sweepctl matrix full-sweep --seq-lens 8k1k 1
offers "--step-size" sweepctl matrix full-sweep --seq-lens 8k1k --ste
offers "agentic-coding fixed-seq-len" sweepctl matrix test-config --scenario-type ""
offers "" sweepctl matrix full-sweep --step-size ""

[[ $(offered sweepctl status "") == "results two words" ]] || bad "status DIR: $(offered sweepctl status "")"
offers results sweepctl plot --help r
offers "" sweepctl plot results ""
offers results sweepctl run --output r
offers matrix.yaml sweepctl run --profile m
offers matrix.yaml sweepctl run --quiet m
offers matrix.yaml sweepctl run matrix.yaml m
offers matrix.yaml sweepctl check --config m
offers matrix.yaml sweepctl matrix full-sweep --config-files m
offers matrix.yaml sweepctl matrix full-sweep --config-files matrix.yaml m
offers matrix.yaml sweepctl matrix custom --runner-config m
offers matrix.yaml sweepctl process-changelog --changelog-file m
offers matrix.yaml sweepctl ci-priority --policy m
[[ $(offered sweepctl run o) == "other matrix.yaml" ]] || bad "run FILE with a blank: $(offered sweepctl run o)"
[[ " $(offered sweepctl run matrix.yaml -- prin) " == *" printf "* ]] || bad "no commands are offered after run FILE --"
offers matrix.yaml sweepctl run matrix.yaml -- ./bench.sh m
exit "$FAILED"
