// Shortens the metrics of a server (server_metrics_export.json) while it is read. Pure.
//
// aiperf writes a value for each second of each series, hundreds of megabytes for an hour. The result needs only
// labels, statistics and endpoint of a series, so every other member of a series becomes null.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::agentic {

class SeriesFilter {
 public:
  /// Takes the next bytes of the file.
  void feed(std::string_view bytes);
  /// Returns the shortened JSON text. It has the line feeds of the file, so that lines in messages are right.
  const std::string& text() const { return text_; }

 private:
  void take(char c);
  void take_in_string(char c);
  void emit(char c);
  bool is_superfluous_member() const;

  std::string text_;
  std::string open_;               // the open objects and lists, as their brackets
  std::vector<std::string> keys_;  // the last key in each of them
  std::string key_;                // the key that is being read
  bool in_string_ = false, escaped_ = false, in_key_ = false;
  bool key_is_next_ = false;    // the next string in this object is a key
  std::size_t skipped_in_ = 0;  // number of open containers around the value that is skipped; 0: none is
};

}  // namespace sweep::agentic
