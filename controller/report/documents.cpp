#include "controller/report/documents.hpp"

#include <algorithm>
#include <filesystem>

#include "controller/report/json_text.hpp"
#include "controller/report/python_number.hpp"
#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep::report {

namespace {

namespace fs = std::filesystem;

void read_one(const std::string& path, Documents& out) {
  const auto bytes = read_file(path, kMaxJsonBytes);
  if (!bytes) {
    out.problems.push_back(printable(bytes.error().message));
    return;
  }
  auto json = read_json(*bytes);
  if (!json) {
    out.problems.push_back("'" + printable(path) + "' is not usable JSON: " + json.error().message);
    return;
  }
  out.good.push_back({path, std::move(*json)});
}

void find_files(const fs::path& directory, Documents& out, std::vector<std::string>& paths) {
  std::error_code code;
  fs::directory_iterator entries(directory, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    std::error_code ignored;
    const std::string path = entries->path().string();
    if (entries->is_directory(ignored)) {
      if (!entries->is_symlink(ignored)) find_files(entries->path(), out, paths);
    } else if (path.ends_with(".json")) {
      paths.push_back(path);
    }
  }
  if (code) {
    out.problems.push_back("cannot read the directory '" + printable(directory.string()) +
                           "': " + errno_text(code.value()));
  }
}

}  // namespace

Documents read_documents(const std::string& directory, const std::string& leave_out) {
  Documents out;
  std::error_code code;
  out.exists = fs::exists(directory, code);
  if (!out.exists) return out;
  std::vector<std::string> paths;
  find_files(directory, out, paths);
  std::sort(paths.begin(), paths.end());
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (!leave_out.empty() && fs::equivalent(path, leave_out, ignored)) continue;
    read_one(path, out);
  }
  return out;
}

bool is_processed_result(const nlohmann::ordered_json& document) {
  return document.is_object() && (document.contains("hw") || document.contains("tput_per_gpu"));
}

std::optional<double> number_of(const nlohmann::ordered_json& document, const char* key) {
  const auto found = document.find(key);
  if (found == document.end()) return std::nullopt;
  if (found->is_number()) return found->get<double>();
  if (found->is_string()) return python_float(found->get_ref<const std::string&>());
  return std::nullopt;
}

std::string text_of(const nlohmann::ordered_json& document, const char* key, const std::string& absent) {
  const auto found = document.find(key);
  if (found == document.end()) return absent;
  if (found->is_null()) return "unknown";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_boolean()) return found->get<bool>() ? "True" : "False";
  return python_json(*found, -1);
}

}  // namespace sweep::report
