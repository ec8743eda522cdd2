// sweepctl profile: prints the effective profile with the source of each value, and checks whether this node
// has what it requires.
#include "controller/profile/profile.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <set>

#include "container/core/image.hpp"
#include "container/io/squash_file.hpp"
#include "container/io/tools.hpp"
#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/profile/show.hpp"
#include "proto/net/munge.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kProfileDescription =
    "show: prints the effective profile, merged from the built-in defaults, /etc/slurm-sweep/profile.yaml, "
    "~/.config/slurm-sweep/profile.yaml and --profile, with the file and line that sets each value. The "
    "output is itself a valid profile, in which values that may be secret are (set).\n\ncheck: checks that what the profile requires is available: "
    "container runtimes (by running them), folders, mounts, image files, and Slurm features and partitions; "
    "on this node, or with --allocation on every node of the job.";

constexpr const char* kProfileClosing = R"(Exit status:
  0  show: printed; check: everything is available
  1  the profile is invalid; check: something is missing
  2  wrong usage

Examples:
  Show which file sets the image cache:
    sweepctl profile show | grep image-cache
  Check the nodes of a new allocation:
    salloc -N4 sweepctl profile check --allocation
)";

struct Finding {
  bool good = true;
  std::string what, detail;
};
using Findings = std::vector<Finding>;

bool depends_on_point(const std::string& text) {
  return text.find('{') != std::string::npos;
}

void check_folder(Findings& out, const std::string& what, const std::string& path, bool writable) {
  if (path.empty()) return;
  if (depends_on_point(path)) return out.push_back({true, what, path + ": depends on the point"});
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return out.push_back({false, what, path + " does not exist"});
  if (writable && ::access(path.c_str(), W_OK) != 0)
    return out.push_back({false, what, path + " cannot be written to: " + errno_text(errno)});
  out.push_back({true, what, path});
}

void check_runtime(Findings& out, const std::string& what, const ContainerSpec& container) {
  const auto environment = own_environment();
  const auto runtime = container::runtime_of(container.runtime).value_or(container::Runtime::None);
  const auto tool = runtime == container::Runtime::Auto ? container::first_working_runtime(environment)
                                                        : container::try_runtime(runtime, environment);
  if (!tool) return out.push_back({false, what + "runtime", tool.error().message});
  out.push_back({true, what + "runtime", std::string(runtime_word(tool->runtime)) + ": " + tool->version});
  using container::Runtime;
  const bool unpacks = tool->runtime == Runtime::Bwrap;
  if (unpacks && container::find_program("unsquashfs", environment).empty())
    out.push_back({false, what + "squash files", "unsquashfs is not in PATH (package squashfs-tools)"});
  const bool imports = unpacks || tool->runtime == Runtime::Enroot || tool->runtime == Runtime::Pyxis;
  if (imports && container.cache != "none" && container::find_program("enroot", environment).empty())
    out.push_back({true, what + "imports", "enroot is not in PATH: images must be in the cache"});
}

/// Returns the nearest existing parent of a folder that does not exist if this user may create the folder
/// there; otherwise "".
std::string creatable_in(const std::string& path) {
  std::error_code code;
  if (depends_on_point(path) || std::filesystem::exists(path, code)) return {};
  std::filesystem::path above(path);
  while (!std::filesystem::exists(above, code) && above.has_relative_path())
    above = above.parent_path();
  return ::access(above.c_str(), W_OK | X_OK) == 0 ? above.string() : "";
}

void check_cache(Findings& out, const std::string& what, const ContainerSpec& container) {
  if (container.cache == "none" || container.cache.empty()) return;
  const std::string above = creatable_in(container.cache);
  if (above.empty()) {
    check_folder(out, what + "image-cache", container.cache, true);
  } else {
    out.push_back({true, what + "image-cache", container.cache + ": will be created in " + above});
  }
  struct statvfs info {};
  const std::string& existing = above.empty() ? container.cache : above;
  if (!out.back().good || ::statvfs(existing.c_str(), &info) != 0) return;
  const auto free = static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
  constexpr std::int64_t kGiga = 1'000'000'000;
  out.back().detail += ": " + std::to_string(free / kGiga) + " GB free";
  if (free >= container.room_bytes) return;
  out.back().good = false;
  out.back().detail +=
      ", an import requires " + std::to_string(container.room_bytes / kGiga) + " GB (image-room)";
}

void check_image(Findings& out, const std::string& what, const std::string& image) {
  if (depends_on_point(image)) return;
  const auto parsed = container::parse_image(image);
  if (!parsed) return out.push_back({false, what + "image", parsed.error().message});
  if (!parsed->is_path()) return out.push_back({true, what + "image", image});
  check_folder(out, what + "image", image, false);
  if (!out.back().good || !image.ends_with(".sqsh")) return;
  if (const auto whole = container::check_squash(image); !whole)
    out.back() = {false, what + "image", whole.error().message};
}

void check_container(Findings& out, const std::string& what, const ContainerSpec& container) {
  if (!profile::has_container(container)) return out.push_back({true, what + "runtime", "none"});
  check_runtime(out, what, container);
  check_cache(out, what, container);
  check_folder(out, what + "scratch", container.scratch, true);
  check_image(out, what, container.image);
  for (const std::string& text : container.mounts) {
    if (const auto mount = container::parse_mount(text))
      check_folder(out, what + "mount", mount->source, false);
  }
}

/// Returns the distinct words that sinfo prints in the columns `format`; std::nullopt if it fails.
std::optional<std::set<std::string>> slurm_words(const char* format) {
  constexpr Millis kLimit{20'000};
  const auto ran = run_program({"sinfo", "--noheader", "--format", format},
                               {.environment = own_environment(), .limit = kLimit, .with_errors = false});
  if (!ran || !ran->ok()) return std::nullopt;
  std::set<std::string> out;
  for (const std::string& line : split(ran->out, '\n')) {
    for (const std::string& word : split(line, ','))
      out.insert(word);
  }
  return out;
}

void check_slurm(Findings& out, const profile::Profile& profile) {
  const bool needs_slurm =
      std::any_of(profile.runners.begin(), profile.runners.end(),
                  [](const auto& runner) { return !runner.features.empty() || !runner.partition.empty(); });
  if (!needs_slurm) return;
  const auto features = slurm_words("%f"), partitions = slurm_words("%R");
  if (!features || !partitions)
    return out.push_back({false, "Slurm", "sinfo failed; runners cannot be checked"});
  for (const profile::Runner& runner : profile.runners) {
    const std::string what = "runner " + runner.name + ": ";
    for (const std::string& feature : runner.features)
      out.push_back({features->contains(feature), what + "feature",
                     feature + (features->contains(feature) ? "" : ": no node has this feature")});
    const bool known = runner.partition.empty() || partitions->contains(runner.partition);
    if (!runner.partition.empty())
      out.push_back({known, what + "partition", runner.partition + (known ? "" : ": no such partition")});
  }
}

Findings check(const profile::Profile& profile) {
  Findings out;
  check_folder(out, "workspace", profile.workspace, true);
  check_folder(out, "spool", profile.spool, true);
  const auto base = profile::merged(profile::default_container(), profile.container);
  check_container(out, "", base);
  for (const profile::Runner& runner : profile.runners) {
    if (runner.container.given.empty()) continue;
    check_container(out, "runner " + runner.name + ": ", profile::merged(base, runner.container));
  }
  check_slurm(out, profile);
  if (profile.auth == profile::Profile::Auth::Munge) {
    const auto credential = munge_credential("check");
    out.push_back({credential.has_value(), "munge", credential ? "works" : credential.error().message});
  }
  return out;
}

int check_here(const profile::Profile& profile) {
  const std::string named = variable("SLURMD_NODENAME");
  const std::string node = named.empty() ? host_name() : named;
  bool good = true;
  std::string out;
  for (const Finding& found : check(profile)) {
    good = good && found.good;
    out += node + ": " + (found.good ? "ok       " : "MISSING  ") + printable(found.what) + ": " +
           printable(found.detail) + "\n";
  }
  return std::max(print_out(out), good ? 0 : 1);
}

/// Runs the check on each node of the job, through srun.
int check_all_nodes(const std::string& file) {
  const std::string nodes = variable("SLURM_JOB_NUM_NODES");
  if (variable("SLURM_JOB_ID").empty() || nodes.empty())
    return print_error(
               "profile check --allocation needs a Slurm job; run it through salloc or in a batch script"),
           2;
  std::vector<std::string> words = {
      "srun", "--overlap", "--nodes=" + nodes, "--ntasks-per-node=1", own_executable(), "profile", "check"};
  if (!file.empty()) words.push_back("--profile=" + std::filesystem::absolute(file).string());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  return print_error("cannot start srun: " + errno_text(errno)), 1;
}

}  // namespace

int profile_command(const Arguments& arguments) {
  CommandLine app("sweepctl profile", kProfileDescription, kProfileClosing);
  std::string action, file;
  bool allocation = false;
  app.option("ACTION", action, "show or check").required().one_of({"show", "check"});
  app.option("--profile", file, "profile that overrides the site's and the user's").value("FILE");
  app.flag("--allocation", allocation, "check: check every node of this job");
  if (const auto status = app.parse(arguments)) return *status;
  const auto profile = load_profiles(file);
  if (!profile) return print_error(profile.error().message), 1;
  if (action == "show") return print_out(profile::show_profile(*profile));
  return allocation ? check_all_nodes(file) : check_here(*profile);
}

}  // namespace sweep::cli
