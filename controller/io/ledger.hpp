// The ledger of the files that aggregate() wrote into a directory, so that it overwrites only its own files
// and does not read its own collections as results.
//
// It is the file `.aggregate`, with lines as sha256sum prints them. A file that was changed since no longer
// counts as ours.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "util/error.hpp"
#include "util/text.hpp"

namespace sweep {

class Ledger {
 public:
  /// Returns the ledger of `directory`; an empty one if it does not exist or cannot be read.
  static Ledger of(const std::string& directory);

  /// Returns true if the file `name` exists and is as aggregate() wrote it.
  bool has_written(const std::string& name) const;

  /// Writes the output of `make` to the file `name`. The ledger is written first, so that after a crash in
  /// between the file is not taken for a user's. Fails, naming the file, if one with other content exists
  /// that is not ours.
  Expected<void> write(const std::string& name, const std::function<Expected<void>(const Sink&)>& make);
  Expected<void> write(const std::string& name, std::string_view text);

 private:
  explicit Ledger(std::string directory) : directory_(std::move(directory)) {}
  bool has_digest(const std::string& name, const std::string& digest) const;
  Expected<void> save() const;

  std::string directory_;
  std::map<std::string, std::set<std::string>> digests_;  // by name; two while a file is being replaced
};

}  // namespace sweep
