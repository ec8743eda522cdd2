// Reads the JSON files below a directory, the input of collect, summarize and plot. The only part of report/
// that reads a directory.
//
// Unlike the Python tools, it reports and skips a file that cannot be read instead of failing, and sorts
// files by the bytes of their paths instead of the directory's order.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::report {

/// The content of one JSON file.
struct Document {
  std::string path;  // for messages; may be empty
  nlohmann::ordered_json json;
  // The experiment, if known from a sweep's journal. A processed result does not contain it.
  std::string exp_name = {};
};

/// The paths of the JSON files below a directory.
struct Listing {
  std::vector<std::string> files;     // sorted
  std::vector<std::string> problems;  // one line for each directory that could not be read
};

/// Returns every *.json below `directory`, including hidden files. Follows links to files but not links to
/// directories. Skips a directory, including `directory` itself, if `enter` returns false for it.
Listing find_json(const std::string& directory,
                  const std::function<bool(const std::string&)>& enter = nullptr);

/// Reads one JSON file. Fails if it cannot be read, is not JSON or exceeds the limits of json_read.hpp; the
/// message names the file.
Expected<Document> read_document(const std::string& path);

struct Documents {
  std::vector<Document> good;         // sorted by path
  std::vector<std::string> problems;  // one line for each file or directory that could not be read
  bool exists = true;                 // false if the directory does not exist
};

/// Reads the files that find_json returns, except `excluded` (the output file of `collect`).
Documents read_documents(const std::string& directory, const std::string& excluded = {});

/// Returns true for a file that process_result wrote; false for other JSON files in the directory, such as
/// the client's own result, the matrix or a collected list.
bool is_processed_result(const nlohmann::ordered_json& document);

}  // namespace sweep::report
