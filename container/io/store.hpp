// A folder of staged images: of one node, or shared by many. NAME.sqsh and NAME.sif are files, NAME.root a
// folder that was unpacked from a file. What begins with a dot is ours beside them:
//
//   .NAME.claim.N           who makes it (claim.hpp)
//   .NAME.part.TOKEN        what that one has of it
//   .NAME.meta              what it was made from and its digest; touched whenever it is used
//   .NAME.user.TOKEN        a process that uses it, and to which it must not be lost
//
// Rules: an entry is there whole or not at all: it is made under another name, synced, checked and renamed.
// One that does not stand the check is taken away and made anew. All works, without marks, where the folder
// is read-only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "container/core/report.hpp"
#include "container/io/claim.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::container {

/// What is known of an entry beside itself.
struct Meta {
  std::string image;   // as it was named
  std::string digest;  // "squashfs-tables:sha256:…"
  std::int64_t bytes = 0;
};

struct Making {
  std::string name;             // of the entry
  std::int64_t room_bytes = 0;  // that must be free before
  std::function<Expected<void>(const std::string& temporary)> make;
  std::function<Expected<void>(const std::string& path)> check;
};

/// What `make` needs beside its temporary file may lie under that one's name with this ending.
inline constexpr std::string_view kHelpers = ".tmp";
/// `text` without it.
std::string without_ending(const std::string& text);

class Store {
 public:
  using Tell = std::function<void(const StageProgress&)>;

  Store(std::string folder, Tell tell) : folder_(std::move(folder)), tell_(std::move(tell)) {}

  const std::string& folder() const { return folder_; }
  std::string path_of(const std::string& name) const { return folder_ + "/" + name; }

  /// The path of an entry that is there and whole: at once, or after this or another process has made it.
  /// Waits as long as another one makes it. Fails with what `make` or `check` failed with, or why the folder
  /// cannot be used.
  Expected<std::string> ensure(const Making& making);

  std::optional<Meta> meta(const std::string& name) const;
  void set_meta(const std::string& name, const Meta& meta) const;
  /// It is used now, and by `user` for as long as that lives.
  void mark_used(const std::string& name, pid_t user) const;

 private:
  bool is_there(const Making& making);
  Expected<std::optional<std::string>> try_to_make(const Making& making);
  Expected<void> make_it(const Making& making, const Claim& claim);
  Expected<std::optional<std::string>> make_as(const Making& making, const Claim& claim);
  std::optional<ClaimHolder> wait_for(Rival& rival, const Making& making);
  void forget_dead_users(const std::string& name) const;
  void remove_parts(const std::string& name, const std::optional<Token>& of);
  std::string ours(const std::string& name, const std::string& what) const;

  std::string folder_;
  Tell tell_;
};

/// Removes what a process that has ended was making in `folder`.
void remove_parts_of(const std::string& folder, const Token& token);

/// One entry as a person sees it.
struct Stored {
  std::string name, image;
  std::int64_t bytes = 0;
  std::int64_t used_unix = 0;  // when it was last used, seconds
  int users = 0;               // processes that may use it now
  std::string problem;         // what is wrong with it; empty: it is whole
  bool in_the_making = false;
};

/// All entries, and what imports have left behind (`problem` says so), sorted by name. Fails, naming the
/// folder, where it cannot be read.
Expected<std::vector<Stored>> list_images(const std::string& folder);

struct Limits {
  std::optional<Millis> unused;       // those that were not used for so long go
  std::optional<std::int64_t> bytes;  // and then those that were used longest ago, until so much is left
};
/// Those that go by these limits, in the order of going; never one that is used or in the making. Pure.
std::vector<Stored> to_prune(const std::vector<Stored>& images, const Limits& limits, std::int64_t now_unix);
/// Deletes it. Fails, naming the path and the reason.
Expected<void> remove_image(const std::string& folder, const Stored& image);

/// Deletes a file or folder with all that is in it, also folders that may not be read (as overlayfs leaves
/// them). Fails, naming the first that would not go.
Expected<void> remove_all(const std::string& path);

/// Whether the squash file at `path` is whole; its digest.
Expected<void> check_squash(const std::string& path);
Expected<std::string> squash_digest(const std::string& path);

/// slurm-sweep-UID in TMPDIR or /tmp: the folder for what a user's agents keep on a node. Made with mode
/// 0700; fails where somebody else has put something there.
Expected<std::string> own_folder(const std::string& base = {});

}  // namespace sweep::container
