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
  std::string resume, output, retry_failed;
  std::vector<std::string> flags;  // to omit
};

const Names kSrun = {
    "--sweep-resume",
    "--sweep-output",
    "--sweep-retry-failed",
    {"--sweep-resume", "--sweep-resume=auto", "--sweep-retry-failed", "--sweep-accept-changes"}};
const Names kRun = {"--resume",
                    "--output",
                    "--retry-failed",
                    {"--resume", "--resume=auto", "--retry-failed", "--accept-changes"}};

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

// ---- what has to change before a retry can work

bool is_srun(const std::string& command) {
  return command.find(kSrun.resume) != std::string::npos;
}

const Names& command_names(const std::string& command) {
  return is_srun(command) ? kSrun : kRun;
}

/// Inserts an option into a resume command.
void insert_option(std::string& command, const std::string& option) {
  const std::string& resume = command_names(command).resume;
  command.insert(command.find(resume) + resume.size(), " " + option);
}

/// The failed points that never ran, because no node fits them.
struct Unfit {
  bool all = true;  // every failed point is one of them
  int gpus = 0;     // the most that one needs of those that need more than any node has; 0: none does
  int largest = 0;  // number of GPUs of the largest node
};

Unfit unfit_points(const core::State& state) {
  Unfit out;
  for (const auto& [id, agent] : state.agents) {
    if (agent.session == state.session)
      out.largest = std::max(out.largest, static_cast<int>(agent.info.gpus.size()));
  }
  for (const core::PointStatus& point : state.points) {
    if (point.state != core::PointState::Failed || point.spec.gang) continue;
    out.all = out.all && point.attempts.empty();
    if (point.spec.gpus > out.largest) out.gpus = std::max(out.gpus, point.spec.gpus);
  }
  return out;
}

bool asks_for_gpus(const std::string& word) {
  for (const char* name : {"--gpus", "--gres", "--tres-per-", "-G"}) {
    if (word.starts_with(name)) return true;
  }
  return false;
}

/// Replaces the option of srun with which the command asks for GPUs by `wanted`. Returns the option; "" if the
/// command has none. The program of the benchmark begins with the first word that is neither an option nor can
/// be the value of the option before it; its arguments stay unchanged.
std::string replace_gpu_option(std::string& command, const std::string& wanted) {
  std::vector<std::string> words = split(command, ' ');
  auto at = std::find_if(words.begin(), words.end(),
                         [](const std::string& word) { return word.starts_with(kSrun.resume); });
  for (bool may_be_value = false; at != words.end(); ++at) {
    const bool option = at->starts_with('-');
    if (!option && (!may_be_value || at->find('/') != std::string::npos)) break;
    if (option && asks_for_gpus(*at)) {
      std::string given = *at;
      const bool has_value =
          given == "-G" || (given.starts_with("--") && given.find('=') == std::string::npos);
      if (has_value && at + 1 != words.end()) {
        given += " " + *(at + 1);
        words.erase(at + 1);
      }
      *at = wanted;
      command = join(words, " ");
      return given;
    }
    may_be_value = option && at->find('=') == std::string::npos;
  }
  return {};
}

/// If srun was started inside a job, makes the comment of the command ask for a job with these GPUs.
void ask_job_for_gpus(std::string& command, const std::string& wanted) {
  const std::string same = "with the nodes and GPUs of job";
  if (const std::size_t at = command.rfind(same); at != std::string::npos)
    command.replace(at, same.size(), "with " + wanted + " and the nodes of job");
}

/// Returns why the failed points did not run and what a retry has to change, and changes `command` if it is known
/// how: "need 8 GPUs …; to retry with …".
std::string reason_and_remedy(const Unfit& unfit, std::string& command) {
  if (unfit.gpus == 0)
    return "have a runner type that no node serves; to retry with other nodes, or with other 'runners' in the "
           "profile";
  const std::string wanted = "--gpus-per-node=" + std::to_string(unfit.gpus);
  const std::string need = "need " + counted(static_cast<std::size_t>(unfit.gpus), "GPU") +
                           " on a node, and the largest node had " + std::to_string(unfit.largest) +
                           "; to retry ";
  ask_job_for_gpus(command, wanted);
  if (!is_srun(command)) return need + "on such a node, for example in a job with " + wanted;
  const std::string given = replace_gpu_option(command, wanted);
  if (!given.empty()) return need + "with " + wanted + " instead of " + given;
  insert_option(command, wanted);
  return need + "with " + wanted;
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

std::optional<ResumeAdvice> resume_advice(const core::State& state, const Facts& facts) {
  using core::PointState;
  const bool ended = state.phase == core::Phase::Closed || facts.owner.empty();
  if (facts.resume.empty() || !ended) return std::nullopt;
  const int left =
      core::total_points(state) - state.count(PointState::Done) - state.count(PointState::Failed);
  // A gang would fail again.
  const int failed =
      static_cast<int>(std::count_if(state.points.begin(), state.points.end(), [](const auto& point) {
        return point.state == PointState::Failed && !point.spec.gang;
      }));
  if (left + failed == 0) return std::nullopt;
  const bool alike = core::first_points_failed_alike(state);
  std::string command = facts.resume;
  if (left == 0 || alike) insert_option(command, command_names(command).retry_failed);
  const std::string failed_text = counted(static_cast<std::size_t>(failed), "failed point");
  std::string what;
  if (left > 0) {
    what = counted(static_cast<std::size_t>(left), "point") + " left";
    what += alike ? " and " + failed_text + "; to resume once the benchmark can be started" : "; to resume";
  } else if (const Unfit unfit = unfit_points(state); unfit.all) {
    what = failed_text + " " + reason_and_remedy(unfit, command);
  } else {
    what = failed_text + "; to retry" + (alike ? " once the benchmark can be started" : "");
  }
  return ResumeAdvice{what, printable(command)};
}

std::string resume_line(const core::State& state, const Facts& facts) {
  const auto advice = resume_advice(state, facts);
  return advice ? advice->what + ": " + advice->command + "\n" : "";
}

}  // namespace sweep::view
