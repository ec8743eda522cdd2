#include "container/io/images.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>

#include "container/io/process_token.hpp"
#include "container/io/squash_file.hpp"
#include "container/io/store.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

// Whether a process on another machine lives cannot be checked; its mark counts for this time.
constexpr std::int64_t kForeignUseSeconds = 24 * 3600;

bool is_entry_name(const std::string& name) {
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

/// Returns the time of the last change in seconds of Unix time; 0 if unknown.
std::int64_t modified_unix(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mtim.tv_sec : 0;
}

/// The parts of a file name ".NAME.WHAT.REST" (store.hpp).
struct Mark {
  std::string entry, what, rest;
};

std::optional<Mark> mark_in(const std::string& file) {
  if (!file.starts_with('.')) return std::nullopt;
  for (const char* what : {"claim", "part", "meta", "user"}) {
    const std::string middle = std::string(".") + what;
    for (auto at = file.find(middle); at != std::string::npos; at = file.find(middle, at + 1)) {
      const std::string entry = file.substr(1, at - 1);
      if (!is_entry_name(entry)) continue;
      const std::size_t end = at + middle.size();
      if (end == file.size()) return Mark{entry, what, ""};
      if (file[end] == '.') return Mark{entry, what, file.substr(end + 1)};
    }
  }
  return std::nullopt;
}

/// Returns true if the process with this token may be using a file whose mark was last changed at
/// `marked_unix`.
bool may_use(Liveness liveness, std::int64_t marked_unix) {
  const bool recent = marked_unix + kForeignUseSeconds > ::time(nullptr);
  return liveness == Liveness::Alive || (liveness == Liveness::OtherMachine && recent);
}

/// Collects the files of a cache into a list of images.
class Listing {
 public:
  explicit Listing(const std::string& folder) : store_(folder, [](const StageProgress&) {}) {}

  void add(const fs::path& path) {
    const std::string file = path.filename().string();
    if (const auto mark = mark_in(file)) return add(*mark, path.string());
    if (file.starts_with('.') || !is_entry_name(file)) return;
    CachedImage& image = image_named(file);
    exists_[file] = true;
    image.bytes = bytes_in(path);
    if (file.ends_with(".sqsh")) {
      if (const auto whole = check_squash(path.string()); !whole) image.problem = whole.error().message;
    }
    if (image.used_unix == 0) image.used_unix = modified_unix(path.string());
    if (const auto info = store_.info(file)) image.image = info->image;
  }

  std::vector<CachedImage> finish() {
    std::vector<CachedImage> out;
    for (auto& [name, image] : images_) {
      if (exists_[name] || image.being_made) out.push_back(image);
    }
    out.insert(out.end(), leftovers_.begin(), leftovers_.end());
    std::sort(out.begin(), out.end(),
              [](const CachedImage& a, const CachedImage& b) { return a.name < b.name; });
    return out;
  }

 private:
  CachedImage& image_named(const std::string& name) {
    CachedImage& image = images_[name];
    image.name = name;
    return image;
  }

  void add(const Mark& mark, const std::string& path) {
    const auto token = token_in(without_helpers_ending(mark.rest));
    const Liveness liveness = token ? liveness_of(*token) : Liveness::Dead;
    if (mark.what == "meta") image_named(mark.entry).used_unix = modified_unix(path);
    if (mark.what == "claim" && mark.rest.find('~') == std::string::npos)
      image_named(mark.entry).being_made = true;
    if (mark.what == "user") image_named(mark.entry).users += may_use(liveness, modified_unix(path)) ? 1 : 0;
    if (mark.what == "part" && liveness != Liveness::Alive) {
      CachedImage left;
      left.name = fs::path(path).filename().string();
      left.bytes = bytes_in(path);
      left.used_unix = modified_unix(path);
      left.problem = liveness == Liveness::Dead
                         ? "left behind by an import whose process died"
                         : "belongs to an import on another machine, or was left behind by it";
      left.users = may_use(liveness, left.used_unix) ? 1 : 0;
      leftovers_.push_back(left);
    }
  }

  Store store_;
  std::map<std::string, CachedImage> images_;
  std::map<std::string, bool> exists_;
  std::vector<CachedImage> leftovers_;
};

}  // namespace

Expected<std::vector<CachedImage>> list_images(const std::string& folder) {
  Listing listing(folder);
  std::error_code code;
  fs::directory_iterator items(folder, code);
  if (code) return fail("cannot read '" + folder + "': " + code.message());
  for (const auto& item : items)
    listing.add(item.path());
  return listing.finish();
}

std::vector<CachedImage> images_to_prune(const std::vector<CachedImage>& images, const CacheLimits& limits,
                                         std::int64_t now_unix) {
  std::vector<CachedImage> by_use;
  std::int64_t all = 0;
  for (const CachedImage& image : images) {
    all += image.bytes;
    if (image.users == 0 && !image.being_made) by_use.push_back(image);
  }
  std::stable_sort(by_use.begin(), by_use.end(), [](const CachedImage& a, const CachedImage& b) {
    const bool bad_a = !a.problem.empty(), bad_b = !b.problem.empty();
    return bad_a != bad_b ? bad_a : a.used_unix < b.used_unix;
  });
  std::vector<CachedImage> out;
  for (const CachedImage& image : by_use) {
    const bool old = limits.unused && now_unix - image.used_unix >= limits.unused->count() / 1000;
    const bool too_much = limits.bytes && all > *limits.bytes;
    if (image.problem.empty() && !old && !too_much) continue;
    all -= image.bytes;
    out.push_back(image);
  }
  return out;
}

Expected<void> remove_image(const std::string& folder, const CachedImage& image) {
  const std::string path = folder + "/" + image.name;
  const bool mark = image.name.starts_with('.');
  // Renamed first, so that no process finds a partly deleted image under its name.
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

}  // namespace sweep::container
