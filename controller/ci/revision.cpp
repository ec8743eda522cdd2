#include "controller/ci/revision.hpp"

#include "controller/yaml/document.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::ci {

namespace {

constexpr Millis kGitLimit{60'000};
constexpr std::size_t kMostBytes = yaml::kMaxFileBytes + (1u << 20);  // a file, and git's own lines

// Returns what git prints. Fails if it does not succeed or prints more than a configuration file may have.
Expected<std::string> git(std::vector<std::string> arguments, const std::string& purpose) {
  arguments.insert(arguments.begin(), {"git", "--no-pager"});
  const RunOptions options{.environment = own_environment(), .limit = kGitLimit, .kept = kMostBytes};
  const auto result = run_program(arguments, options);
  if (!result) return fail("cannot " + purpose + ": " + result.error().message + "; install git");
  if (!result->ok())
    return fail("cannot " + purpose + ": git: " + how_it_ended(*result) +
                "; run the command in the repository and check the revision");
  if (result->out.size() >= kMostBytes)
    return fail("cannot " + purpose + ": more than " + std::to_string(yaml::kMaxFileBytes) + " bytes");
  return result->out;
}

// Fails if the repository has no such revision. Outside of a repository, git diff would take two revisions
// for files.
Expected<void> check_revision(const std::string& revision) {
  if (revision.empty() || revision[0] == '-')
    return fail("'" + revision + "' is not a revision; give a branch, a tag or a commit");
  SWEEP_TRY(git({"rev-parse", "--verify", revision + "^{object}"}, "find the revision '" + revision + "'"));
  return {};
}

}  // namespace

Expected<std::string> git_diff(const std::string& base, const std::string& head, const std::string& file) {
  SWEEP_TRY(check_revision(base));
  SWEEP_TRY(check_revision(head));
  return git({"diff", "--no-color", "--no-ext-diff", base, head, "--", file},
             "read the changes of " + file + " from " + base + " to " + head);
}

Expected<std::vector<std::string>> paths_at(const std::string& revision,
                                            const std::vector<std::string>& paths) {
  SWEEP_TRY(check_revision(revision));
  std::vector<std::string> arguments = {"ls-tree", "-r", "--name-only", revision, "--"};
  arguments.insert(arguments.end(), paths.begin(), paths.end());
  SWEEP_ASSIGN(const auto out, git(std::move(arguments), "list the files of " + revision));
  std::vector<std::string> found = split(out, '\n');
  std::erase(found, std::string());
  return found;
}

Expected<std::string> file_at(const std::string& revision, const std::string& path) {
  return git({"show", revision + ":" + path}, "read " + path + " of " + revision);
}

}  // namespace sweep::ci
