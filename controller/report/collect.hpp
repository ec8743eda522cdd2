// Collects many processed results into one JSON array (`collect` in the contract, section 4). Pure.
#pragma once

#include <map>
#include <span>
#include <string>

#include "controller/report/documents.hpp"
#include "util/text.hpp"

namespace sweep::report {

/// Writes a JSON array element by element, indented by 2, without a newline at the end.
class Collection {
 public:
  explicit Collection(Sink out) : out_(std::move(out)) {}
  /// Appends an element, which must be formatted by python::json_text(…, 2).
  void add(std::string_view element);
  /// Closes the array. Must be called once, after the last add().
  void end();

 private:
  Sink out_;
  bool empty_ = true;
};

/// Returns the documents as such an array, in the given order. A document that is a list becomes one element.
std::string collect_text(std::span<const Document> documents);

/// Returns the name of the collected file: agg_<exp_name>.json.
std::string collected_name(const std::string& exp_name);

/// Converts experiment names to parts of file names (file_safe). If two experiments would have the same name,
/// the second gets a suffix with the first digits of its name's SHA-256.
class FileNames {
 public:
  std::string of(const std::string& exp_name);

 private:
  std::map<std::string, std::string> owners_;  // the experiment that has each file name
};

}  // namespace sweep::report
