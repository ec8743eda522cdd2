#include "agent/io/git_commit.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOfAFile = 4096, kMostOfAPack = 16u << 20;
constexpr int kMostFolders = 64;  // from a folder up to its work tree
constexpr int kMostRefs = 5;      // each one naming the next

/// Returns the first line of a file.
std::optional<std::string> line_in(const fs::path& file) {
  const auto bytes = read_file(file.string(), kMostOfAFile);
  if (!bytes) return std::nullopt;
  return bytes->substr(0, bytes->find_first_of("\r\n"));
}

bool is_commit(std::string_view text) {
  constexpr std::size_t kSha1 = 40, kSha256 = 64;
  return (text.size() == kSha1 || text.size() == kSha256) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// Returns the path that `path` means, which may be relative to `base`.
fs::path from(const fs::path& base, const std::string& path) {
  return fs::path(path).is_absolute() ? fs::path(path) : base / path;
}

/// Returns the repository of a work tree: .git, or the folder that a .git file names.
std::optional<fs::path> repository_at(const fs::path& folder) {
  std::error_code ignored;
  const fs::path here = folder / ".git";
  if (fs::is_directory(here, ignored)) return here;
  constexpr std::string_view kGitDir = "gitdir: ";
  const auto line = line_in(here);
  if (!line || !line->starts_with(kGitDir)) return std::nullopt;
  return from(folder, line->substr(kGitDir.size()));
}

std::optional<std::string> packed(const fs::path& common, const std::string& ref) {
  const auto bytes = read_file((common / "packed-refs").string(), kMostOfAPack);
  if (!bytes) return std::nullopt;
  for (const std::string& line : split(*bytes, '\n')) {
    const std::size_t blank = line.find(' ');
    if (blank != std::string::npos && line.substr(blank + 1) == ref) return line.substr(0, blank);
  }
  return std::nullopt;
}

std::string commit_in(const fs::path& repository) {
  constexpr std::string_view kRef = "ref: ";
  // An additional work tree names the folder that it shares with the others in commondir.
  const auto elsewhere = line_in(repository / "commondir");
  const fs::path common = elsewhere ? from(repository, *elsewhere) : repository;
  std::string name = "HEAD";
  for (int i = 0; i < kMostRefs; ++i) {
    auto line = line_in(repository / name);
    if (!line) line = line_in(common / name);
    if (!line) line = packed(common, name);
    if (!line) return {};
    if (is_commit(*line)) return *line;
    const bool names_another = line->starts_with(kRef) && line->find("..") == std::string::npos;
    if (!names_another) return {};
    name = line->substr(kRef.size());
  }
  return {};
}

}  // namespace

std::string git_commit(const std::string& folder) {
  std::error_code problem;
  fs::path at = fs::absolute(folder, problem).lexically_normal();
  if (problem) return {};
  for (int i = 0; i < kMostFolders; ++i, at = at.parent_path()) {
    if (const auto repository = repository_at(at)) return commit_in(*repository);
    if (at == at.parent_path()) break;
  }
  return {};
}

}  // namespace sweep::agent
