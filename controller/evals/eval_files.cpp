#include "controller/evals/eval_files.hpp"

#include <glob.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "controller/python/value.hpp"
#include "controller/report/documents.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

namespace fs = std::filesystem;

constexpr const char* kMetaName = "meta_env.json";

std::int64_t modified_at(const std::string& path) {
  std::error_code code;
  const auto time = fs::last_write_time(path, code);
  if (code) return 0;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

// Returns the path as Python's pathlib spells it: without "." and without empty parts.
std::string plain_root(const std::string& root) {
  std::vector<std::string> parts = split(root, '/');
  std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
  const std::string path = (root.starts_with('/') ? "/" : "") + join(parts, "/");
  return path.empty() ? "." : path;
}

std::string beside(const std::string& directory, const std::string& name) {
  return directory == "." ? name : directory + "/" + name;
}

// Returns the sorted paths of a directory's entries that `wanted` returns true for.
template <class Wanted>
std::vector<std::string> entries(const std::string& directory, Wanted wanted, EvalSets& out) {
  std::vector<std::string> paths;
  std::error_code code;
  fs::directory_iterator at(directory, code);
  for (; !code && at != fs::directory_iterator(); at.increment(code)) {
    std::error_code ignored;
    const std::string path = beside(directory, at->path().filename().string());
    if (wanted(path, at->is_directory(ignored))) paths.push_back(path);
  }
  if (code)
    out.unreadable.push_back("cannot read the directory '" + printable(directory) + "': " + code.message());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool has_meta(const std::string& directory) {
  std::error_code ignored;
  return fs::exists(beside(directory, kMetaName), ignored);
}

EvalSet read_set(const std::string& directory, EvalSets& out) {
  EvalSet set{directory, nlohmann::ordered_json::object(), {}};
  const std::string meta_path = beside(directory, kMetaName);
  if (auto meta = read_json_file(meta_path); !meta) {
    out.unreadable.push_back(meta.error().message + "; its evaluation is listed as unknown");
  } else if (!meta->is_object()) {
    out.unreadable.push_back("'" + printable(meta_path) + "' must be a JSON object, but is " +
                             python::shown_value(*meta) + "; its evaluation is listed as unknown");
  } else {
    set.meta = std::move(*meta);
  }
  const auto is_json = [&](const std::string& path, bool is_directory) {
    return !is_directory && path.ends_with(".json") && path != meta_path;
  };
  for (const std::string& path : entries(directory, is_json, out)) {
    auto json = read_json_file(path);
    if (!json) {
      const bool is_result = fs::path(path).filename().string().starts_with("results");
      (is_result ? out.lost : out.unreadable).push_back(json.error().message);
    } else if (json->is_object() && json->contains("lm_eval_version")) {
      set.results.push_back({path, modified_at(path), std::move(*json)});
    }
  }
  return set;
}

}  // namespace

EvalSets read_eval_sets(const std::string& root) {
  EvalSets out;
  const std::string top = plain_root(root);
  std::error_code ignored;
  if (!fs::is_directory(top, ignored)) {
    out.unreadable.push_back("directory '" + printable(root) + "' does not exist");
    return out;
  }
  std::vector<std::string> directories;
  if (has_meta(top)) directories.push_back(top);
  const auto is_set = [](const std::string& path, bool is_directory) {
    return is_directory && has_meta(path);
  };
  for (std::string& path : entries(top, is_set, out))
    directories.push_back(std::move(path));
  for (const std::string& directory : directories)
    out.sets.push_back(read_set(directory, out));
  return out;
}

std::vector<std::string> matching_paths(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (glob(pattern.c_str(), GLOB_NOSORT | GLOB_NOESCAPE, nullptr, &found) == 0)
    out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  std::sort(out.begin(), out.end());
  return out;
}

Expected<nlohmann::ordered_json> read_json_file(const std::string& path) {
  SWEEP_ASSIGN(auto document, report::read_document(path));
  return std::move(document.json);
}

}  // namespace sweep::evals
