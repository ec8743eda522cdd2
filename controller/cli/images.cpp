// sweepctl images: what is staged on this node or in a shared cache, and making room there.
#include <chrono>
#include <ctime>

#include "container/io/images.hpp"
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

constexpr const char* kDescription =
    "Lists the container images that agents have staged, or removes some. Where: the profile's image-cache "
    "(else "
    "slurm-sweep-UID/images in TMPDIR or /tmp), and, of this node, the folder of images that were unpacked "
    "for enroot or "
    "bubblewrap.\n\nAn image that a process uses, or that is being imported, is never removed. What imports "
    "that died have "
    "left, and files that were cut, are removed by every prune.";

constexpr const char* kClosing = R"(Exit status:
  0  done
  1  a folder cannot be read, or something could not be removed
  2  wrong usage

Examples:
  What is there:
    sweepctl images list
  Images that nobody has used for a month go, then the oldest until 500 GB
  are left; first only say which:
    sweepctl images prune --older-than 30d --max-size 500G --dry-run
)";

struct Wanted {
  std::string action, cache, profile, older_than, max_size;
  bool json = false, dry_run = false;
};

/// The folders to look at, those that exist.
Expected<std::vector<std::string>> folders(const Wanted& wanted) {
  if (!wanted.cache.empty()) return std::vector<std::string>{wanted.cache};
  SWEEP_ASSIGN(const auto loaded, load_profiles(wanted.profile));
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

std::string padded(std::string text, std::size_t width, bool right = false) {
  const std::size_t missing = width > text.size() ? width - text.size() : 0;
  return right ? std::string(missing, ' ') + text : text + std::string(missing, ' ');
}

void put(std::string& out, const CachedImage& image, std::int64_t now) {
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

int list(const std::vector<std::string>& where, bool json) {
  const std::int64_t now = ::time(nullptr);
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  std::string out;
  int status = 0;
  for (const std::string& folder : where) {
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
      put(out, image, now);
  }
  if (where.empty()) out = "nothing is staged here\n";
  const int printed = print_out(json ? all.dump(2) + "\n" : out);
  return std::max(status, printed);
}

int prune(const std::vector<std::string>& where, const container::CacheLimits& limits, bool dry_run) {
  const std::int64_t now = ::time(nullptr);
  int status = 0;
  std::int64_t bytes = 0;
  std::string out;
  for (const std::string& folder : where) {
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

}  // namespace

int images_command(const Arguments& arguments) {
  CommandLine app("sweepctl images", kDescription, kClosing);
  Wanted wanted;
  app.option("ACTION", wanted.action, "list or prune").required().one_of({"list", "prune"});
  app.option("--cache", wanted.cache, "this folder alone, in place of the profile's").value("DIR");
  app.option("--profile", wanted.profile, "a profile over the site's and the user's").value("FILE");
  app.option("--older-than", wanted.older_than, "prune: those that were not used for so long, such as 30d")
      .value("TIME");
  app.option("--max-size", wanted.max_size,
             "prune: those used longest ago, until so much is left, such as 500G")
      .value("SIZE");
  app.flag("--dry-run", wanted.dry_run, "prune: say what would go, remove nothing");
  app.flag("--json", wanted.json, "list: print a JSON array");
  if (const auto status = app.parse(arguments)) return *status;
  container::CacheLimits limits;
  if (!wanted.older_than.empty()) limits.unused = profile::parse_duration(wanted.older_than);
  if (!wanted.max_size.empty()) limits.bytes = profile::parse_size(wanted.max_size);
  if (!wanted.older_than.empty() && !limits.unused)
    return print_error("--older-than: '" + wanted.older_than + "' is no time such as 30d or 12h"), 2;
  if (!wanted.max_size.empty() && !limits.bytes)
    return print_error("--max-size: '" + wanted.max_size + "' is no size such as 500G"), 2;
  const auto where = folders(wanted);
  if (!where) return print_error(where.error().message), 1;
  return wanted.action == "list" ? list(*where, wanted.json) : prune(*where, limits, wanted.dry_run);
}

}  // namespace sweep::cli
