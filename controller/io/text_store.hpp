// The texts of the documents whose rows are in memory, kept in an unlinked temporary file.
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
  /// The file is created in `directory`, or, if that cannot be written to, in the folder for temporary files.
  explicit TextStore(const std::string& directory);

  /// Stores `text` and its position in `row`. Does not fail: read() does, if the text could not be written.
  void add(std::string_view text, report::Row& row);
  /// Returns the text of a row. Fails if it could not be written or cannot be read.
  Expected<std::string> read(const report::Row& row);

 private:
  void flush();

  Fd fd_;
  std::string buffer_;      // the end of the file, not yet written
  std::uint64_t size_ = 0;  // of what is written
  int code_ = 0;            // errno of the first failure
};

}  // namespace sweep
