// sweepctl images: lists and removes staged container images on this node or in a shared cache.
#include "container/io/images.hpp"

#include <chrono>
#include <ctime>
#include <tuple>

#include "container/io/user_folder.hpp"
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/profile/duration.hpp"
#include "controller/view/lines.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

using container::CachedImage;

constexpr const char* kImagesDescription =
    "Lists or removes the container images that agents have staged: those in the profile's image-cache "
    "(default: slurm-sweep-UID/images in TMPDIR or /tmp), and on this node also those that were unpacked for "
    "enroot or bubblewrap.\n\nImages that are in use or being imported are never removed. Every prune also "
    "removes truncated files and the leftovers of imports that died.";

constexpr const char* kImagesClosing = R"(Exit status:
  0  success
  1  a folder could not be read, or something could not be removed
  2  wrong usage

Examples:
  List the staged images:
    sweepctl images list
  Show what would be removed: images not used for 30 days, then the least
  recently used ones until 500 GB are left:
    sweepctl images prune --older-than 30d --max-size 500G --dry-run
)";

struct ImagesOptions {
  std::string action, cache, profile, older_than, max_size;
  bool json = false, dry_run = false;
};

/// Returns the existing folders that hold images.
Expected<std::vector<std::string>> image_folders(const ImagesOptions& options) {
  if (!options.cache.empty()) return std::vector<std::string>{options.cache};
  SWEEP_ASSIGN(const auto loaded, load_profiles(options.profile));
  const auto merged = profile::merged(profile::default_container(), loaded.container);
  SWEEP_ASSIGN(const auto own, container::user_folder());
  const auto scratch = container::user_folder(merged.scratch);
  const bool named = merged.cache.starts_with('/') && merged.cache.find('{') == std::string::npos;
  std::vector<std::string> out{named ? merged.cache : own + "/images", scratch.value_or(own) + "/roots"};
  std::erase_if(out, [](const std::string& folder) {
    std::error_code code;
    return !std::filesystem::is_directory(folder, code);
  });
  return out;
}

std::string age_text(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 24 * 3600;
  if (seconds < kMinute) return "now";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + " min";
  return seconds < 2 * kDay ? std::to_string(seconds / kHour) + " h" : std::to_string(seconds / kDay) + " d";
}

std::string state_of(const CachedImage& image) {
  if (image.being_made) return "being imported";
  if (!image.problem.empty()) return image.problem;
  return image.users > 0 ? "used by " + counted(static_cast<std::size_t>(image.users), "process") : "";
}

std::string padded(const std::string& text, std::size_t width, bool right = false) {
  const std::size_t missing = width > text.size() ? width - text.size() : 0;
  return right ? std::string(missing, ' ') + text : text + std::string(missing, ' ');
}

void append_line(std::string& out, const CachedImage& image, std::int64_t now) {
  constexpr std::size_t kSize = 9, kAge = 7;
  const std::string name = image.image.empty() ? image.name : image.name + "  (" + image.image + ")";
  const std::string state = state_of(image);
  out += padded(view::size_text(image.bytes), kSize, true) + "  " +
         padded(age_text(now - image.used_unix), kAge, true) + "  " + printable(name) +
         (state.empty() ? "" : "  " + printable(state)) + "\n";
}

nlohmann::ordered_json as_json(const std::string& folder, const CachedImage& image) {
  return {{"folder", folder},
          {"name", printable(image.name)},
          {"image", printable(image.image)},
          {"bytes", image.bytes},
          {"used_unix", image.used_unix},
          {"users", image.users},
          {"in_the_making", image.being_made},
          {"problem", printable(image.problem)}};
}

int list(const std::vector<std::string>& folders, bool json) {
  const std::int64_t now = ::time(nullptr);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  std::string out;
  int status = 0;
  for (const std::string& folder : folders) {
    const auto images = container::list_images(folder);
    if (!images) {
      print_error(images.error().message);
      status = 1;
      continue;
    }
    std::int64_t bytes = 0;
    for (const CachedImage& image : *images) {
      bytes += image.bytes;
      all.push_back(as_json(folder, image));
    }
    out += printable(folder) + ": " + counted(images->size(), "image") + ", " + view::size_text(bytes) + "\n";
    if (!images->empty()) out += "     size     used  name\n";
    for (const CachedImage& image : *images)
      append_line(out, image, now);
  }
  if (folders.empty()) out = "no images are staged\n";
  const int printed = print_out(json ? all.dump(2) + "\n" : out);
  return std::max(status, printed);
}

int prune(const std::vector<std::string>& folders, const container::CacheLimits& limits, bool dry_run) {
  const std::int64_t now = ::time(nullptr);
  int status = 0;
  std::int64_t bytes = 0;
  std::string out;
  for (const std::string& folder : folders) {
    const auto images = container::list_images(folder);
    if (!images) {
      print_error(images.error().message);
      status = 1;
      continue;
    }
    for (const CachedImage& image : container::images_to_prune(*images, limits, now)) {
      const auto removed = dry_run ? Expected<void>() : container::remove_image(folder, image);
      if (!removed) {
        print_error(removed.error().message);
        status = 1;
        continue;
      }
      bytes += image.bytes;
      out += (dry_run ? "would remove " : "removed ") + printable(folder + "/" + image.name) + ", " +
             view::size_text(image.bytes) + "\n";
    }
  }
  out += (dry_run ? "would free " : "freed ") + view::size_text(bytes) + "\n";
  return std::max(status, print_out(out));
}

/// Returns true for a number other than 0 without a unit. 30 seconds, or 500 bytes, would remove nearly everything.
bool lacks_unit(const std::string& text) {
  return text.find_first_not_of('0') != std::string::npos &&
         text.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

int images_command(const Arguments& arguments) {
  CommandLine app("sweepctl images", kImagesDescription, kImagesClosing);
  ImagesOptions options;
  app.option("ACTION", options.action, "list or prune").required().one_of({"list", "prune"});
  app.option("--cache", options.cache, "use only this folder instead of the profile's").value("DIR");
  app.option("--profile", options.profile, "profile that overrides the site's and the user's").value("FILE");
  app.option("--older-than", options.older_than,
             "prune: remove images that were not used for TIME, such as 30d")
      .value("TIME");
  app.option("--max-size", options.max_size,
             "prune: remove the least recently used images until at most SIZE is left, such as 500G")
      .value("SIZE");
  app.flag("--dry-run", options.dry_run, "prune: only print what would be removed");
  app.flag("--json", options.json, "list: print a JSON array");
  if (const auto status = app.parse(arguments)) return *status;
  if (options.older_than == "none") options.older_than.clear();  // as in a profile: no limit
  container::CacheLimits limits;
  for (const auto& [option, text, example] : {std::tuple{"--older-than", options.older_than, "30d or 12h"},
                                              std::tuple{"--max-size", options.max_size, "500G"}}) {
    if (lacks_unit(text))
      return print_error(std::string(option) + ": '" + text + "' has no unit; use for example " + example), 2;
  }
  if (!options.older_than.empty()) limits.unused = profile::parse_duration(options.older_than);
  if (!options.max_size.empty()) limits.bytes = profile::parse_size(options.max_size);
  if (!options.older_than.empty() && !limits.unused)
    return print_error("--older-than: '" + options.older_than +
                       "' is not a time; use for example 30d or 12h"),
           2;
  if (!options.max_size.empty() && !limits.bytes)
    return print_error("--max-size: '" + options.max_size + "' is not a size; use for example 500G"), 2;
  const auto folders = image_folders(options);
  if (!folders) return print_error(folders.error().message), 1;
  return options.action == "list" ? list(*folders, options.json) : prune(*folders, limits, options.dry_run);
}

}  // namespace sweep::cli
