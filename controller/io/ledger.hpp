// Which files of a directory aggregate() wrote, so that it writes over its own ones only and never takes its
// own collections for somebody's results.
//
// It is the file `.aggregate`, lines as sha256sum prints them. A file that was changed since is not ours any
// more.
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
  /// That of `directory`; an empty one where there is none or it cannot be read.
  static Ledger of(const std::string& directory);

  /// Whether `name` is there as aggregate() wrote it.
  bool has_written(const std::string& name) const;

  /// Writes what `make` says to `name`, and into the ledger first, so that a crash in between leaves nothing
  /// that looks like somebody else's. Fails, naming the file, when one is there that is not ours and says
  /// something else.
  Expected<void> write(const std::string& name, const std::function<Expected<void>(const Sink&)>& make);
  Expected<void> write(const std::string& name, std::string_view text);

 private:
  explicit Ledger(std::string directory) : directory_(std::move(directory)) {}
  bool has_digest(const std::string& name, const std::string& digest) const;
  Expected<void> save() const;

  std::string directory_;
  std::map<std::string, std::set<std::string>> digests_;  // by name; two while one is being replaced
};

}  // namespace sweep
