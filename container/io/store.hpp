// A directory of staged images, of one node or shared by many. NAME.sqsh and NAME.sif are files, NAME.root is
// a directory that was unpacked from a file. Files that begin with a dot describe them:
//
//   .NAME.claim.N       which process makes the entry (claim.hpp)
//   .NAME.part.TOKEN    the incomplete entry that this process makes
//   .NAME.meta          what the entry was made from, and its digest; touched at each use
//   .NAME.user.TOKEN    a process that uses the entry, which must therefore not be removed
//
// Rules: an entry is always complete. It is made under another name, synced, checked and renamed. An entry
// that fails the check is removed and made again. If the directory is read-only, entries are used without
// these marks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "container/core/report.hpp"
#include "container/io/claim.hpp"
#include "util/error.hpp"

namespace sweep::container {

/// What .NAME.meta records about an entry.
struct EntryInfo {
  std::string image;   // its name in the matrix or profile
  std::string digest;  // "squashfs-tables:sha256:…"
  std::int64_t bytes = 0;
};

/// An entry that is needed, and how to make it.
struct WantedEntry {
  std::string name;
  std::int64_t room_bytes = 0;  // free space required before it is made
  std::function<Expected<void>(const std::string& temporary)> make;
  std::function<Expected<void>(const std::string& path)> check;
};

/// `make` may keep files of its own under the temporary path with this ending.
inline constexpr std::string_view kHelpers = ".tmp";
/// Returns `text` without the ending kHelpers.
std::string without_helpers_ending(const std::string& text);

class Store {
 public:
  using OnProgress = std::function<void(const StageProgress&)>;

  Store(std::string folder, OnProgress on_progress)
      : folder_(std::move(folder)), on_progress_(std::move(on_progress)) {}

  const std::string& folder() const { return folder_; }
  std::string path_of(const std::string& name) const { return folder_ + "/" + name; }

  /// Returns the path of a complete entry: at once if it exists, else after this or another process has made
  /// it; waits for as long as another process makes it. Returns the error of `make` or `check`, or why the
  /// directory cannot be used.
  Expected<std::string> ensure(const WantedEntry& wanted);

  std::optional<EntryInfo> info(const std::string& name) const;
  void set_info(const std::string& name, const EntryInfo& info) const;
  /// Records that the entry is used now, and by `user` for as long as that process lives.
  void mark_used(const std::string& name, pid_t user) const;

 private:
  bool exists(const WantedEntry& wanted);
  Expected<std::optional<std::string>> try_to_make(const WantedEntry& wanted);
  Expected<void> make_entry(const WantedEntry& wanted, const Claim& claim);
  Expected<std::optional<std::string>> make_with(const Claim& claim, const WantedEntry& wanted);
  std::optional<ClaimHolder> wait_for(ClaimObserver& observer, const WantedEntry& wanted);
  void remove_marks_of_dead_users(const std::string& name) const;
  void remove_parts(const std::string& name, const std::optional<ProcessToken>& of);
  std::string mark_path(const std::string& name, const std::string& what) const;

  std::string folder_;
  OnProgress on_progress_;
};

/// Removes from `folder` the incomplete entries and claims of a process that has ended.
void remove_parts_of(const std::string& folder, const ProcessToken& token);

}  // namespace sweep::container
