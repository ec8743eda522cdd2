# Generates the tables of the bash completion from --help texts. Each file is named after its command: "sweepctl plot.txt".
# docs/man/README.md describes the required form of the help texts. An option or argument takes:
#
#   flag          no value                         one WORD...   one of these words
#   many WORD...  one or more of these words       list WORD...  some of these words, separated by commas
#
# The word FILE or DIR stands for names of files or directories. No word means that the value cannot be completed.

function takes(value,    how) {
  if (value == "") return "flag"
  how = value ~ /\.\.\.\]$/ && value !~ /\[,\.\.\.\]$/ ? "many" : "one"
  if (value ~ /\[,\.\.\.\]$/) how = "list"
  if (match(value, /^\{[^}]*\}/)) {
    value = substr(value, 2, RLENGTH - 2)
    gsub(/,/, " ", value)
    return how " " value
  }
  sub(/[^A-Z_].*/, "", value)
  if (value ~ /(^|_)DIR$/) return how " DIR"
  if (value ~ /(^|_)FILES?$/ || value ~ /^(RUNNER_CONFIG|POLICY|INPUT)$/) return how " FILE"
  return how
}

function entry(text) {
  sub(/^ +/, "", text)
  if (match(text, /   *[^ ]/)) text = substr(text, 1, RSTART - 1)
  return text
}

FNR == 1 {
  command = FILENAME
  sub(/.*\//, "", command)
  sub(/\.txt$/, "", command)
  sub(/^sweepctl */, "", command)
  commands[++count] = command
  section = ""
  place = 0
  if (match($0, /\[OPTION\]\.\.\. /)) {  # the words after it are arguments, up to "[--"
    rest = substr($0, RSTART + RLENGTH)
    words = split(rest, word, " ")
    for (i = 1; i <= words && word[i] !~ /^\[/; i++) {
      repeated = word[i] ~ /\.\.\.$/
      table["takes"] = table["takes"] sprintf("  ['%s:%s']='%s'\n", command, repeated ? "*" : ++place, takes(word[i]))
    }
  }
  next
}
/^[A-Za-z][A-Za-z ]*:$/ { section = tolower($0); next }
section ~ /^commands/ && /^  [^ ]/ { own[command] = own[command] " " $1 }
section == "options:" && /^ +-/ && match($0, /^ +/) && RLENGTH <= 6 {
  text = entry($0)
  names = words = split(text, word, " ")
  for (i = 1; i <= words && word[i] ~ /^-/; i++) {
    name = word[i]
    sub(/,$/, "", name)
    sub(/\[=.*/, "", name)  # an optional value
    value = text
    sub(/^(-[^ ]+,? ?)+/, "", value)
    table["takes"] = table["takes"] sprintf("  ['%s:%s']='%s'\n", command, name, takes(value))
    if (name ~ /^--/) options[command] = options[command] " " name
  }
}

END {
  print "declare -gA _sweepctl_commands=("
  for (i = 1; i <= count; i++)
    if (commands[i] in own) printf "  [' %s']='%s'\n", commands[i], substr(own[commands[i]], 2)
  print ")\ndeclare -gA _sweepctl_options=("
  for (i = 1; i <= count; i++) printf "  [' %s']='%s'\n", commands[i], substr(options[commands[i]], 2)
  printf ")\ndeclare -gA _sweepctl_takes=(\n%s)\n", table["takes"]
}
