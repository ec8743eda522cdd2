#include "controller/report/documents.hpp"

#include <algorithm>
#include <filesystem>

#include "controller/python/json_read.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

namespace fs = std::filesystem;

using Enter = std::function<bool(const std::string&)>;

void find_below(const fs::path& directory, const Enter& enter, Listing& out) {
  if (enter && !enter(directory.string())) return;
  std::error_code code;
  fs::directory_iterator entries(directory, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    std::error_code ignored;
    const std::string path = entries->path().string();
    if (entries->is_directory(ignored)) {
      if (!entries->is_symlink(ignored)) find_below(entries->path(), enter, out);
    } else if (path.ends_with(".json")) {
      out.files.push_back(path);
    }
  }
  if (code) {
    out.problems.push_back("cannot read the directory '" + printable(directory.string()) +
                           "': " + errno_text(code.value()));
  }
}

}  // namespace

Listing find_json(const std::string& directory, const Enter& enter) {
  Listing out;
  find_below(directory, enter, out);
  std::sort(out.files.begin(), out.files.end());
  return out;
}

Expected<Document> read_document(const std::string& path) {
  const auto bytes = read_file(path, python::kMaxJsonBytes);
  if (!bytes) return fail(printable(bytes.error().message));
  auto json = python::read_json(*bytes);
  if (!json) return fail("cannot read '" + printable(path) + "' as JSON: " + json.error().message);
  return Document{path, std::move(*json)};
}

Documents read_documents(const std::string& directory, const std::string& excluded) {
  Documents out;
  std::error_code code;
  out.exists = fs::exists(directory, code);
  if (!out.exists) return out;
  Listing listing = find_json(directory);
  out.problems = std::move(listing.problems);
  for (const std::string& path : listing.files) {
    std::error_code ignored;
    if (!excluded.empty() && fs::equivalent(path, excluded, ignored)) continue;
    if (auto document = read_document(path)) {
      out.good.push_back(std::move(*document));
    } else {
      out.problems.push_back(document.error().message);
    }
  }
  return out;
}

bool is_processed_result(const nlohmann::ordered_json& document) {
  return document.is_object() && (document.contains("hw") || document.contains("tput_per_gpu"));
}

}  // namespace sweep::report
