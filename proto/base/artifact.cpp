#include "proto/base/artifact.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kDeepestArtifact = 16;    // folders and the file
constexpr std::size_t kLongestComponent = 240;  // leaves room for a suffix
constexpr std::int64_t kMostArtifactBytes = std::numeric_limits<std::int64_t>::max() / 2;

}  // namespace

std::string artifact_name_problem(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name.size() > kLongestArtifactName) return "the name is too long";
  if (printable(name) != name) return "the name has control characters";
  const std::vector<std::string> parts = split(std::string(name), '/');
  if (parts.size() > kDeepestArtifact) return "it is too many folders deep";
  for (const std::string& part : parts) {
    if (part.empty() || part == "." || part == "..") return "the name is not a plain relative path";
    if (part.size() > kLongestComponent) return "the name is too long";
  }
  return {};
}

std::string artifacts_problem(const std::vector<Artifact>& list) {
  if (list.size() > kMostArtifacts) return "more than " + std::to_string(kMostArtifacts) + " files";
  std::set<std::string> files, folders;
  std::int64_t room = kMostArtifactBytes;
  for (const Artifact& file : list) {
    const std::string quoted = "'" + printable(file.name) + "'";
    if (const std::string why = artifact_name_problem(file.name); !why.empty()) return quoted + ": " + why;
    if (!files.insert(file.name).second) return quoted + " is listed twice";
    if (file.bytes < 0 || file.bytes > room) return quoted + ": impossible size";
    room -= file.bytes;
    for (std::size_t at = file.name.find('/'); at != std::string::npos; at = file.name.find('/', at + 1))
      folders.insert(file.name.substr(0, at));
  }
  const auto both = std::find_if(files.begin(), files.end(),
                                 [&](const std::string& name) { return folders.contains(name); });
  return both == files.end() ? "" : "'" + *both + "' is listed as a file and as a folder";
}

bool is_eval_file(std::string_view name) {
  return name == "meta_env.json" ||
         (name.starts_with("results") && name.ends_with(".json") && name.find('/') == std::string_view::npos);
}

bool is_log(std::string_view name) {
  return name.ends_with(".log");
}

std::int64_t total_bytes(const std::vector<Artifact>& list) {
  std::int64_t sum = 0;
  for (const Artifact& file : list)
    sum += file.bytes;
  return sum;
}

}  // namespace sweep
