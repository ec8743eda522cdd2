// The JSON files below a directory: the input of collect, summarize and plot. The only part of the report
// that reads a directory.
//
// Better than the Python tools: a bad file is named and left out instead of ending everything, and the order
// is that of the paths' bytes, not of the directory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::report {

/// One JSON file, and where it came from.
struct Document {
  std::string path;  // for messages; may be empty
  nlohmann::ordered_json json;
  std::string exp_name = {};  // the experiment, where a sweep's journal tells it; a processed result does not
};

/// The JSON files below a directory.
struct Listing {
  std::vector<std::string> files;     // sorted
  std::vector<std::string> problems;  // one line for each directory that could not be read
};

/// Every *.json below `directory`, hidden ones too. Links to files are followed, links to directories are
/// not; nor is a directory that `enter` says no to, `directory` itself among them.
Listing find_json(const std::string& directory,
                  const std::function<bool(const std::string&)>& enter = nullptr);

/// One JSON file. Fails, naming it, when it cannot be read, is no JSON, or is beyond the caps of
/// json_text.hpp.
Expected<Document> read_document(const std::string& path);

struct Documents {
  std::vector<Document> good;         // sorted by path
  std::vector<std::string> problems;  // one line for each file or directory that could not be read
  bool exists = true;                 // whether the directory does
};

/// All that find_json finds, but not the file `leave_out` (the one about to be written again).
Documents read_documents(const std::string& directory, const std::string& leave_out = {});

/// Whether this is what process_result writes, and not another JSON file that lies beside: the client's own
/// result, the matrix, a collected list.
bool is_processed_result(const nlohmann::ordered_json& document);

}  // namespace sweep::report
