// What a cache holds, and what may go.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "container/io/store.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

// A process on another machine cannot be asked whether it lives: its mark holds for so long.
constexpr std::int64_t kForeignUseSeconds = 24 * 3600;

bool ends_entry(const std::string& name) {
  return name.ends_with(".sqsh") || name.ends_with(".sif") || name.ends_with(".root");
}

std::int64_t bytes_in(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    const auto size = fs::file_size(path, code);
    return code ? 0 : static_cast<std::int64_t>(size);
  }
  std::int64_t all = 0;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(path, options, code), end; at != end && !code;
       at.increment(code)) {
    struct stat info {};
    if (::lstat(at->path().c_str(), &info) == 0) all += static_cast<std::int64_t>(info.st_blocks) * 512;
  }
  return all;
}

std::int64_t changed(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mtim.tv_sec : 0;
}

/// ".NAME.WHAT.REST": whose and what it is.
struct Mark {
  std::string entry, what, rest;
};

std::optional<Mark> mark_in(const std::string& file) {
  if (!file.starts_with('.')) return std::nullopt;
  for (const char* what : {"claim", "part", "meta", "user"}) {
    const std::string middle = std::string(".") + what;
    for (auto at = file.find(middle); at != std::string::npos; at = file.find(middle, at + 1)) {
      const std::string entry = file.substr(1, at - 1);
      if (!ends_entry(entry)) continue;
      const std::size_t end = at + middle.size();
      if (end == file.size()) return Mark{entry, what, ""};
      if (file[end] == '.') return Mark{entry, what, file.substr(end + 1)};
    }
  }
  return std::nullopt;
}

class Listing {
 public:
  explicit Listing(const std::string& folder)
      : folder_(folder), store_(folder, [](const StageProgress&) {}) {}

  void take(const fs::path& path) {
    const std::string file = path.filename().string();
    if (const auto mark = mark_in(file)) return take(*mark, path.string());
    if (file.starts_with('.') || !ends_entry(file)) return;
    Stored& stored = at(file);
    seen_[file] = true;
    stored.bytes = bytes_in(path);
    if (file.ends_with(".sqsh")) {
      if (const auto whole = check_squash(path.string()); !whole) stored.problem = whole.error().message;
    }
    if (stored.used_unix == 0) stored.used_unix = changed(path.string());
    if (const auto meta = store_.meta(file)) stored.image = meta->image;
  }

  std::vector<Stored> done() {
    std::vector<Stored> out;
    for (auto& [name, stored] : entries_) {
      if (seen_[name] || stored.in_the_making) out.push_back(stored);
    }
    out.insert(out.end(), leftovers_.begin(), leftovers_.end());
    std::sort(out.begin(), out.end(), [](const Stored& a, const Stored& b) { return a.name < b.name; });
    return out;
  }

 private:
  Stored& at(const std::string& name) {
    Stored& stored = entries_[name];
    stored.name = name;
    return stored;
  }

  void take(const Mark& mark, const std::string& path) {
    const auto token = token_in(without_ending(mark.rest));
    const Life life = token ? life_of(*token) : Life::Dead;
    if (mark.what == "meta") at(mark.entry).used_unix = changed(path);
    if (mark.what == "claim" && mark.rest.find('~') == std::string::npos) at(mark.entry).in_the_making = true;
    if (mark.what == "user") {
      const bool recent = changed(path) + kForeignUseSeconds > ::time(nullptr);
      at(mark.entry).users += life == Life::Lives || (life == Life::Elsewhere && recent) ? 1 : 0;
    }
    if (mark.what == "part" && life != Life::Lives) {
      Stored left;
      left.name = fs::path(path).filename().string();
      left.bytes = bytes_in(path);
      left.used_unix = changed(path);
      left.problem = life == Life::Dead ? "left by an import that died"
                                        : "of an import on another machine, or left by it";
      left.users = life == Life::Elsewhere && left.used_unix + kForeignUseSeconds > ::time(nullptr) ? 1 : 0;
      leftovers_.push_back(left);
    }
  }

  std::string folder_;
  Store store_;
  std::map<std::string, Stored> entries_;
  std::map<std::string, bool> seen_;
  std::vector<Stored> leftovers_;
};

/// Opens up a folder that may not be listed, and what is below it.
void open_up(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(fs::symlink_status(path, code))) return;
  ::chmod(path.c_str(), 0700);
  for (const auto& item : fs::directory_iterator(path, code))
    open_up(item.path());
}

}  // namespace

Expected<std::vector<Stored>> list_images(const std::string& folder) {
  Listing listing(folder);
  std::error_code code;
  fs::directory_iterator items(folder, code);
  if (code) return fail("cannot read '" + folder + "': " + code.message());
  for (const auto& item : items)
    listing.take(item.path());
  return listing.done();
}

std::vector<Stored> to_prune(const std::vector<Stored>& images, const Limits& limits, std::int64_t now_unix) {
  std::vector<Stored> by_use;
  std::int64_t all = 0;
  for (const Stored& image : images) {
    all += image.bytes;
    if (image.users == 0 && !image.in_the_making) by_use.push_back(image);
  }
  std::stable_sort(by_use.begin(), by_use.end(), [](const Stored& a, const Stored& b) {
    const bool bad_a = !a.problem.empty(), bad_b = !b.problem.empty();
    return bad_a != bad_b ? bad_a : a.used_unix < b.used_unix;
  });
  std::vector<Stored> out;
  for (const Stored& image : by_use) {
    const bool old = limits.unused && now_unix - image.used_unix >= limits.unused->count() / 1000;
    const bool too_much = limits.bytes && all > *limits.bytes;
    if (image.problem.empty() && !old && !too_much) continue;
    all -= image.bytes;
    out.push_back(image);
  }
  return out;
}

Expected<void> remove_image(const std::string& folder, const Stored& image) {
  const std::string path = folder + "/" + image.name;
  const bool mark = image.name.starts_with('.');
  // Under another name first: nobody shall find half of it.
  const std::string aside =
      mark ? path : folder + "/." + image.name + ".part." + token_text(token_of(::getpid()));
  if (!mark && ::rename(path.c_str(), aside.c_str()) != 0)
    return fail("cannot remove '" + path + "': " + errno_text(errno));
  if (!mark) {
    ::unlink((folder + "/." + image.name + ".meta").c_str());
    const std::string users = "." + image.name + ".user.";
    for (const std::string& file : names_in(folder)) {
      if (file.starts_with(users)) ::unlink((folder + "/" + file).c_str());
    }
  }
  return remove_all(aside);
}

Expected<void> remove_all(const std::string& path) {
  std::error_code code;
  fs::remove_all(path, code);
  if (!code) return {};
  open_up(path);
  fs::remove_all(path, code);
  if (code) return fail("cannot remove '" + path + "': " + code.message());
  return {};
}

Expected<std::string> own_folder(const std::string& base) {
  const char* const tmp = std::getenv("TMPDIR");
  std::string folder = !base.empty() ? base : tmp != nullptr && tmp[0] == '/' ? tmp : "/tmp";
  folder += "/slurm-sweep-" + std::to_string(::getuid());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail("cannot make '" + folder + "': " + errno_text(errno));
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0) return fail("cannot read '" + folder + "': " + errno_text(errno));
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::getuid())
    return fail("'" + folder + "' is no folder of this user's own");
  return folder;
}

}  // namespace sweep::container
