#include "controller/view/resume.hpp"

#include <algorithm>
#include <utility>

#include "controller/plan/output_pattern.hpp"
#include "util/environment.hpp"
#include "util/recorded.hpp"
#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep::view {

namespace {

/// The options of srun or sweepctl run that a resume command replaces or omits. The value of `output` is in
/// the same word (--output=X) or in the next one.
struct Names {
  std::string resume, output;
  std::vector<std::string> flags;  // to omit
};

const Names kSrun = {
    "--sweep-resume",
    "--sweep-output",
    {"--sweep-resume", "--sweep-resume=auto", "--sweep-retry-failed", "--sweep-accept-changes"}};
const Names kRun = {
    "--resume", "--output", {"--resume", "--resume=auto", "--retry-failed", "--accept-changes"}};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// The words of a resume command, and what was left out of them.
struct Kept {
  std::vector<std::string> words;
  std::vector<std::string> variables;  // of --export, whose values were left out
  bool replaced = false;               // a word has "(set)" in place of a secret
};

/// Returns the list of srun's --export without values: NAME makes srun take the value from its environment.
/// Adds the names to `variables`. What is not a name is left out.
std::string names_of_export(const std::string& list, std::vector<std::string>& variables) {
  std::vector<std::string> names;
  for (const std::string& item : split(list, ',')) {
    const std::string name = variable_name(item);
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!good) continue;
    names.push_back(name);
    if (name.size() < item.size()) variables.push_back(name);
  }
  return join(names, ",");
}

void append_rest(Kept& out, const std::vector<std::string>& argv, std::size_t from, const Names& names) {
  const std::string output = names.output + "=", exported = "--export=";
  bool own = true;  // false after --, which the benchmark's command follows
  for (std::size_t i = from; i < argv.size(); ++i) {
    const std::string& word = argv[i];
    own = own && word != "--";
    const bool flag = std::find(names.flags.begin(), names.flags.end(), word) != names.flags.end();
    if (own && (flag || word.starts_with(output))) continue;
    if (own && word == names.output) {
      ++i;
    } else if (own && word.starts_with(exported)) {
      out.words.push_back(exported + names_of_export(word.substr(exported.size()), out.variables));
    } else if (own && word == "--export" && i + 1 < argv.size()) {
      out.words.push_back(exported + names_of_export(argv[++i], out.variables));
    } else {
      out.words.push_back(word);
    }
  }
  std::vector<std::string> recorded = recorded_command(out.words);
  out.replaced = recorded != out.words;
  out.words = std::move(recorded);
}

/// Returns the comment at the end of the line; "" if there is nothing to say.
std::string comment(const Kept& kept, const std::string& inside_job) {
  std::vector<std::string> notes;
  if (!kept.variables.empty())
    notes.push_back("values are not stored: set " + join(kept.variables, ", ") + " in the environment first");
  if (kept.replaced) notes.emplace_back("secrets are not stored: type them again in place of (set)");
  if (!inside_job.empty())
    notes.push_back("run it inside a new job with the nodes and GPUs of job " + printable(inside_job) +
                    ": in an sbatch script, or after salloc");
  return notes.empty() ? "" : "  # " + join(notes, "; ");
}

}  // namespace

std::string resume_command(const std::vector<std::string>& argv, const std::string& directory,
                           const std::string& working_directory, const std::string& inside_job) {
  Kept kept;
  const std::string output = pattern_of_path(directory);
  if (!argv.empty() && base_name(argv[0]) == "srun") {
    kept.words = {argv[0], kSrun.resume, kSrun.output + "=" + output};
    append_rest(kept, argv, 1, kSrun);
  } else if (argv.size() > 1 && base_name(argv[0]) == "sweepctl" && argv[1] == "run") {
    kept.words = {argv[0], "run", kRun.resume, kRun.output, output};
    append_rest(kept, argv, 2, kRun);
  } else {
    return {};
  }
  std::string out;
  for (const std::string& word : kept.words)
    out += (out.empty() ? "" : " ") + shell_word(word);
  if (!working_directory.empty()) out = "cd " + shell_word(working_directory) + " && " + out;
  return out + comment(kept, inside_job);
}

std::string resume_line(const core::State& state, const Facts& facts) {
  using core::PointState;
  if (facts.resume.empty() || state.phase != core::Phase::Closed) return {};
  const int failed = state.count(PointState::Failed);
  const int left = core::total_points(state) - state.count(PointState::Done) - failed;
  if (left + failed == 0) return {};
  const std::string what = left > 0
                               ? counted(static_cast<std::size_t>(left), "point") + " left; to resume"
                               : counted(static_cast<std::size_t>(failed), "failed point") + "; to retry";
  std::string command = facts.resume;
  if (left == 0) {
    const bool srun = command.find(kSrun.resume) != std::string::npos;
    const std::string resume = srun ? kSrun.resume : kRun.resume;
    command.insert(command.find(resume) + resume.size(), srun ? " --sweep-retry-failed" : " --retry-failed");
  }
  return what + ": " + printable(command) + "\n";
}

}  // namespace sweep::view
