# Generates a manual page from --help texts. The first file is the help of the command, further files are the help texts
# of its subcommands.
#
#   awk -v name=sweepctl-plot -v summary='draw …' -v version=0.1.0 -v date= -v include=FILE -f help_to_man.awk HELP...
#
# docs/man/README.md describes the required form of the help texts. `include` may be empty. Its "[SECTION]" lines name the
# section to which the roff below them is added.

function escaped(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  return text
}
function line(text) {  # returns one line of roff; a dot or quote at its start would be a request
  text = escaped(text)
  return (text ~ /^[.']/ ? "\\&" : "") text "\n"
}
function trimmed(text) {
  sub(/^ +/, "", text)
  sub(/ +$/, "", text)
  return text
}
function indent(text) {
  match(text, /^ */)
  return RLENGTH
}

# Returns the text with names in bold and placeholders in italic.
function styled(text,    words, count, i, out, head, core, tail) {
  count = split(text, words, " ")
  for (i = 1; i <= count; i++) {
    head = tail = ""
    core = words[i]
    if (match(core, /^\[+/)) { head = substr(core, 1, RLENGTH); core = substr(core, RLENGTH + 1) }
    if (match(core, /[],.]+$/)) { tail = substr(core, RSTART); core = substr(core, 1, RSTART - 1) }
    if (match(core, /\[=/)) {  # "--resume[=auto]"
      tail = "[=\\fB" escaped(substr(core, RSTART + 2)) "\\fR" tail
      out = out (i > 1 ? " " : "") "\\fB" escaped(substr(core, 1, RSTART - 1)) "\\fR" tail
      continue
    }
    if (core ~ /^[A-Z_]+$/ || core ~ /^\{/) core = "\\fI" escaped(core) "\\fR"
    else if (core != "") core = "\\fB" escaped(core) "\\fR"
    out = out (i > 1 ? " " : "") escaped(head) core escaped(tail)
  }
  return out
}

function add(section, text) {
  if (!(section in body)) order[++sections] = section
  body[section] = body[section] text
}

# Returns the words outside of brackets of an argparse-like usage, with "..." for a repeatable argument.
function required_part(text,    i, c, depth, out, inner) {
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    if (c == "[") { if (depth++ == 0) inner = "" }
    if (depth == 0) out = out c
    else inner = inner c
    if (c == "]" && --depth == 0 && inner !~ /^\[-/) { sub(/ $/, "", out); out = out "..." }
  }
  gsub(/  +/, " ", out)
  return trimmed(out) " [OPTION]..."
}

function finish_usage() {
  if (usage == "") return
  add("SYNOPSIS", (FNR_file > 1 ? ".br\n" : "") styled(FNR_file > 1 ? required_part(usage) : usage) "\n")
  usage = ""
}

# Adds the paragraph, code or entry that was being read to its section.
function flush(    text) {
  if (code != "") text = ".PP\n.RS 2\n.nf\n" code ".fi\n.RE\n"
  else if (term != "" && (meaning != "" || section == "OPTIONS"))
    text = ".TP\n" (section == "OPTIONS" || section == "COMMANDS" ? styled(term) : "\\fB" escaped(term) "\\fR") "\n" line(meaning)
  else if (term != "") text = ".PP\n" line(term)
  else if (meaning != "") text = ".PP\n" line(meaning)
  code = term = meaning = ""
  if (text != "") add(section, text)
}

function entry_line(    rest) {
  rest = trimmed($0)
  if (indent($0) > 2 && !(indent($0) <= 6 && rest ~ /^-/)) {  # continuation of the meaning
    meaning = meaning (meaning == "" ? "" : " ") rest
    return
  }
  if (match(rest, /  +/)) {
    at_gap = RSTART
    after_gap = RSTART + RLENGTH
    flush()
    term = substr(rest, 1, at_gap - 1)
    meaning = substr(rest, after_gap)
  } else if (term != "" && meaning == "" && rest !~ /^-/) {
    term = term " " rest  # the next line of a paragraph
  } else {
    flush()
    term = rest
  }
}

function text_line(code_from) {
  if (indent($0) >= code_from) {
    if (code == "") flush()
    code = code line(substr($0, code_from + 1))
    return
  }
  if (code != "") flush()
  meaning = meaning (meaning == "" ? "" : " ") trimmed($0)
}

BEGIN {
  count = split("NAME,SYNOPSIS,DESCRIPTION,COMMANDS,STARTED BY THE SLURM PLUGIN,OPTIONS,EXIT STATUS,ENVIRONMENT,FILES,EXAMPLES", first, ",")
  for (i = 1; i <= count; i++) { order[++sections] = first[i]; body[first[i]] = "" }
  body["NAME"] = escaped(name) " \\- " escaped(summary) "\n"
}

FNR == 1 {
  flush()
  FNR_file++
  section = "SYNOPSIS"
  if (FNR_file > 1) {
    command = FILENAME
    sub(/.*\//, "", command)
    sub(/\.txt$/, "", command)
    section = "OPTIONS"
    sub(/^.* /, "", command)
    add("OPTIONS", ".SS \"" escaped(command) "\"\n")
  }
  usage = $0
  sub(/^[Uu]sage: */, "", usage)
  in_usage = 1
  next
}
in_usage && NF { usage = usage " " trimmed($0); next }
in_usage { finish_usage(); in_usage = 0; section = FNR_file > 1 ? "OPTIONS" : "DESCRIPTION"; prose = 1; next }
/^[A-Za-z][A-Za-z ]*:$/ {
  flush()
  section = toupper(substr($0, 1, length($0) - 1))
  if (section == "ARGUMENTS") section = "OPTIONS"
  prose = 0
  next
}
!NF { flush(); next }
section == "EXAMPLES" { text_line(4); next }
prose { text_line(2); next }
{ entry_line() }

END {
  flush()
  while (include != "" && (getline text < include) > 0) {
    if (text ~ /^\[.*\]$/) at = substr(text, 2, length(text) - 2)
    else if (at != "") add(at, text "\n")
  }
  printf ".\\\" Generated from --help in the build (docs/help_to_man.awk).\n"
  printf ".TH %s 1 \"%s\" \"slurm\\-sweep %s\" \"slurm\\-sweep manual\"\n", escaped(toupper(name)), date, version
  printf ".nh\n.ad l\n"  # people copy commands and paths: no hyphenation, no justification
  for (i = 1; i <= sections; i++) {
    if (body[order[i]] == "") continue
    sub(/^\.PP\n/, "", body[order[i]])
    printf ".SH %s\n%s", order[i] ~ / / ? "\"" order[i] "\"" : order[i], body[order[i]]
  }
}
