// The documents whose rows are in memory: their texts, in a file without a name, which goes when this does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/report/row.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"

namespace sweep {

class TextStore {
 public:
  /// The file is in `directory`, or where that cannot be written in the folder for temporary files.
  explicit TextStore(const std::string& directory);

  /// Keeps `text`, and notes in `row` where. What cannot be written is not there when it is asked for.
  void add(std::string_view text, report::Row& row);
  /// The text of a row. Fails when it could not be written or cannot be read.
  Expected<std::string> read(const report::Row& row);

 private:
  void flush();

  Fd fd_;
  std::string buffer_;      // the end of the file, not yet written
  std::uint64_t size_ = 0;  // of what is written
  int code_ = 0;            // errno of the first failure
};

}  // namespace sweep
