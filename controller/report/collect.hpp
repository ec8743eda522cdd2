// Many processed results into one file: what the contract, section 4, calls collect. Pure.
#pragma once

#include <map>
#include <span>
#include <string>

#include "controller/report/documents.hpp"
#include "util/text.hpp"

namespace sweep::report {

/// One JSON array, indented by 2, no newline at the end, of elements that come one by one.
class Collection {
 public:
  explicit Collection(Sink out) : out_(std::move(out)) {}
  /// `element`: as python_json(…, 2) spells it.
  void add(std::string_view element);
  void end();

 private:
  Sink out_;
  bool empty_ = true;
};

/// The documents as such an array in the order given. A document that is a list is one element.
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
