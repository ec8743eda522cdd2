// Lists the images of a cache (store.hpp) and removes some of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::container {

/// An entry of a cache, or a file that an import left behind.
struct CachedImage {
  std::string name, image;     // the file's name; the image's name in the matrix or profile, empty if unknown
  std::int64_t bytes = 0;      // disk space
  std::int64_t used_unix = 0;  // when it was last used, seconds of Unix time
  int users = 0;               // processes that may use it now
  std::string problem;         // why it cannot be used; empty if it is complete
  bool being_made = false;     // a process makes it now
};

/// Returns all entries of a cache and what imports have left behind (with a `problem`), sorted by name.
/// Returns an error that names the directory if it cannot be read.
Expected<std::vector<CachedImage>> list_images(const std::string& folder);

struct CacheLimits {
  std::optional<Millis> unused;       // images unused for this long are removed
  std::optional<std::int64_t> bytes;  // then the least recently used ones, until this size is left
};
/// Returns the images to remove for these limits, in the order of removal. Damaged images come first. Images
/// that are used or being made are never returned. Pure.
std::vector<CachedImage> images_to_prune(const std::vector<CachedImage>& images, const CacheLimits& limits,
                                         std::int64_t now_unix);

/// Deletes an image. Returns an error that names the path and the reason.
Expected<void> remove_image(const std::string& folder, const CachedImage& image);

}  // namespace sweep::container
