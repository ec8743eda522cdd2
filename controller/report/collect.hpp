// Many processed results into one file: what the contract, section 4, calls collect. Pure.
#pragma once

#include <map>
#include <span>
#include <string>

#include "controller/report/documents.hpp"

namespace sweep::report {

/// The documents as one JSON array in the order given, indented by 2, no newline at the end. A document that
/// is a list is one element.
std::string collect_text(std::span<const Document* const> documents);
std::string collect_text(std::span<const Document> documents);

/// The name of the file that holds it: agg_<exp_name>.json.
std::string collected_name(const std::string& exp_name);

/// Names of experiments as parts of file names (file_safe): two experiments that would share one are told
/// apart by a digest.
class FileNames {
 public:
  std::string of(const std::string& exp_name);

 private:
  std::map<std::string, std::string> owners_;  // by the name for files
};

}  // namespace sweep::report
