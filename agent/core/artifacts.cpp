#include "agent/core/artifacts.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "proto/base/account.hpp"
#include "proto/base/artifact.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

bool has_form(std::string_view name, std::string_view begin, std::string_view end) {
  return name.size() >= begin.size() + end.size() && name.starts_with(begin) && name.ends_with(end);
}

bool is_file_of_eval(std::string_view name) {
  return is_eval_file(name) || has_form(name, "samples", ".jsonl");
}

bool is_log_of_script(std::string_view name) {
  const auto has = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
  return name.ends_with(".log") && (has("server") || has("router") || name == "benchmark.log");
}

}  // namespace

bool may_have_artifacts(std::string_view folder) {
  const std::string_view first = folder.substr(0, folder.find('/'));
  return first.starts_with("results") || first.starts_with("eval");
}

bool is_artifact(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) {
    return is_file_of_eval(name) || is_log_of_script(name) || has_form(name, "gpu_metrics", ".csv") ||
           has_form(name, "gpu_metrics", ".json");
  }
  if (name.starts_with("results/")) return true;
  return may_have_artifacts(name) && is_file_of_eval(name.substr(slash + 1));
}

Choice choose_artifacts(const std::vector<FoundFile>& found, const std::vector<FoundFile>& old_files,
                        const std::string& result_name, std::int64_t most_bytes) {
  std::map<std::string, FileStamp> before;
  for (const FoundFile& file : old_files)
    before.emplace(file.name, file.stamp);
  std::set<std::string> own;
  for (const FoundFile& file : found) {
    if (file.own) own.insert(file.name);
  }
  Choice out;
  std::int64_t sum = 0;
  for (const FoundFile& file : found) {
    const auto old = before.find(file.name);
    const bool stale = !file.own && old != before.end() && old->second == file.stamp;
    const bool replaced = !file.own && own.contains(file.name);
    if (stale || replaced || file.name == result_name || (!file.own && !is_artifact(file.name))) continue;
    const std::string problem = !file.regular ? "not a regular file" : artifact_name_problem(file.name);
    if (!problem.empty()) {
      out.left_out.push_back(printable(file.name) + ": " + problem);
      continue;
    }
    const auto bytes = static_cast<std::int64_t>(file.stamp.bytes);
    sum += bytes;
    out.items.push_back({{file.name, bytes, file.own}, file});
  }
  std::sort(out.items.begin(), out.items.end(),
            [](const Choice::Item& a, const Choice::Item& b) { return a.file.name < b.file.name; });
  const auto refuse = [](const std::string& why) { return Choice{{}, {not_collected(why)}}; };
  if (out.items.size() > kMostArtifacts)
    return refuse("the attempt left " + std::to_string(out.items.size()) + " files; the limit is " +
                  std::to_string(kMostArtifacts));
  if (sum > most_bytes)
    return refuse("the files of the attempt have " + std::to_string(sum) + " bytes; the limit is " +
                  std::to_string(most_bytes) + " (artifact-limit)");
  return out;
}

}  // namespace sweep::agent
