#include "controller/view/resume.hpp"

#include <algorithm>

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
    "--sweep-resume", "--sweep-output", {"--sweep-resume", "--sweep-retry-failed", "--sweep-accept-changes"}};
const Names kRun = {"--resume", "--output", {"--resume", "--retry-failed", "--accept-changes"}};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

void append_rest(std::vector<std::string>& out, const std::vector<std::string>& argv, std::size_t from,
                 const Names& names) {
  bool own = true;  // false after --, which the benchmark's command follows
  for (std::size_t i = from; i < argv.size(); ++i) {
    own = own && argv[i] != "--";
    const bool flag = std::find(names.flags.begin(), names.flags.end(), argv[i]) != names.flags.end();
    if (own && (flag || argv[i].starts_with(names.output + "="))) continue;
    if (own && argv[i] == names.output) {
      ++i;
    } else {
      out.push_back(argv[i]);
    }
  }
}

}  // namespace

std::string resume_command(const std::vector<std::string>& argv, const std::string& directory,
                           const std::string& working_directory, const std::string& inside_job) {
  std::vector<std::string> words;
  if (!argv.empty() && base_name(argv[0]) == "srun") {
    words = {argv[0], kSrun.resume, kSrun.output + "=" + directory};
    append_rest(words, argv, 1, kSrun);
  } else if (argv.size() > 1 && base_name(argv[0]) == "sweepctl" && argv[1] == "run") {
    words = {argv[0], "run", kRun.resume, kRun.output, directory};
    append_rest(words, argv, 2, kRun);
  } else {
    return {};
  }
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : " ") + shell_word(word);
  if (!working_directory.empty()) out = "cd " + shell_word(working_directory) + " && " + out;
  if (!inside_job.empty())
    out += "  # run it inside a new job with the nodes and GPUs of job " + printable(inside_job) +
           ": in an sbatch script, or after salloc";
  return out;
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
