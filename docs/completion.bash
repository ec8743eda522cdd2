# shellcheck shell=bash disable=SC2086 # the tables hold words that must be split
# Completes the words of a sweepctl command line, using the tables that precede this text in the installed file
# (help_to_completion.awk). Needs only bash, not bash-completion.

# Completes names of files (-f) or directories (-d). If compgen finds none, for example because of quotes, readline
# completes them.
_sweepctl_names() { # -f|-d
  mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
  compopt -o filenames 2>/dev/null
  [[ ${#COMPREPLY[@]} -gt 0 ]] && return
  if [[ $1 == -d ]]; then compopt -o dirnames 2>/dev/null; else compopt -o default 2>/dev/null; fi
}

_sweepctl_words() { # WORD...
  mapfile -t COMPREPLY < <(compgen -W "$*" -- "$cur")
}

_sweepctl_list() { # WORD...: offers the words that are not yet in the list before the last comma
  local before='' word rest=()
  [[ $cur == *,* ]] && before=${cur%,*},
  for word; do [[ ,$before == *,"$word",* ]] || rest+=("$before$word"); done
  _sweepctl_words "${rest[@]}"
  compopt -o nospace 2>/dev/null
}

_sweepctl_values() { # HOW WORD...
  local how=$1
  shift
  case $how:${1-} in
    *:FILE) _sweepctl_names -f ;;
    *:DIR) _sweepctl_names -d ;;
    list:*) _sweepctl_list "$@" ;;
    *:?*) _sweepctl_words "$@" ;;
  esac
}

_sweepctl() {
  COMPREPLY=()
  # "--x=a" arrives as three words. Without the "=" it is the same as "--x a".
  local words=() word cur
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do [[ $word == = ]] || words+=("$word"); done
  cur=${COMP_WORDS[COMP_CWORD]}
  if [[ $cur == = ]]; then cur=; else unset 'words[-1]'; fi

  # Finds the command, and which value the words before this one still expect.
  local command='' open='' place=0
  for word in "${words[@]}"; do
    if [[ -n ${_sweepctl_commands[" $command"]-} ]]; then
      command=${command:+$command }$word
    elif [[ $word == -- ]]; then
      [[ $command == run ]] || return
      # The benchmark and its arguments.
      if [[ ${words[-1]} == -- ]]; then mapfile -t COMPREPLY < <(compgen -c -- "$cur"); fi
      [[ ${#COMPREPLY[@]} -gt 0 ]] || _sweepctl_names -f
      return
    elif [[ $word == -* ]]; then
      open=${_sweepctl_takes["$command:$word"]-}
      [[ $open == flag ]] && open=
    elif [[ -z $open ]]; then
      place=$((place + 1))
    elif [[ $open != many* ]]; then
      open=
    fi
  done

  if [[ -z $open || ( $open == many* && $cur == -* ) ]]; then
    if [[ $cur == -* ]]; then
      _sweepctl_words ${_sweepctl_options[" $command"]-}
      return
    fi
    if [[ -n ${_sweepctl_commands[" $command"]-} ]]; then
      _sweepctl_words ${_sweepctl_commands[" $command"]}
      return
    fi
    open=${_sweepctl_takes["$command:$((place + 1))"]-${_sweepctl_takes["$command:*"]-}}
    if [[ -z $open ]]; then
      _sweepctl_words ${_sweepctl_options[" $command"]-}
      return
    fi
  fi
  _sweepctl_values $open
}

complete -F _sweepctl sweepctl
