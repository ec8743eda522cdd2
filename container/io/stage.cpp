#include "container/io/stage.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "container/core/image.hpp"
#include "container/core/import_fault.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"
#include "container/io/end_processes.hpp"
#include "container/io/images.hpp"
#include "container/io/scoped_folders.hpp"
#include "container/io/squash_file.hpp"
#include "container/io/store.hpp"
#include "container/io/tools.hpp"
#include "container/io/user_folder.hpp"
#include "util/digest.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/os/signals.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxStem = 160;  // of an entry's name; its marks add more
constexpr std::size_t kShortDigest = 12;
constexpr std::size_t kMaxEnvironmentFile = 1 << 20;
constexpr Millis kFirstWait{2'000};
constexpr Millis kKillTimeout{5'000};

void print_report(const Report& report) {
  const std::string line = line_of(report) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

/// Why an image cannot be staged. `of_image`: the same would happen on every node; otherwise this node is at
/// fault.
struct Problem {
  std::string reason;
  bool of_image = false;
};
template <class T>
using Result = tl::expected<T, Problem>;

tl::unexpected<Problem> problem(std::string reason, bool of_image = false) {
  return tl::unexpected<Problem>(Problem{std::move(reason), of_image});
}

/// Returns the reason of a failed import according to the tool's last lines of output.
Problem import_problem(const std::string& image, const ProgramResult& ran) {
  const std::string what = "cannot import '" + printable(image) + "': ";
  // The output of a tool that was killed is incomplete.
  switch (ran.status.code ? import_fault(ran.out) : ImportFault::Unclear) {
    case ImportFault::Login:
      return {what + "it needs a login or does not exist (" + how_it_ended(ran) + ")", true};
    case ImportFault::NoSuchImage:
      return {what + "there is no such image (" + how_it_ended(ran) + ")", true};
    case ImportFault::DiskFull:
    case ImportFault::Unclear:
      break;
  }
  return {what + how_it_ended(ran), false};
}

/// Returns the image's name as a file name without ending; long names are shortened and get a digest.
std::string stem_of(const std::string& image) {
  const std::string slug = image_slug(image);
  if (slug.size() <= kMaxStem) return slug;
  return slug.substr(0, kMaxStem) + "_" + sha256_hex(slug).substr(0, kShortDigest);
}

/// Returns NAME=value of the image's variables, which enroot writes to /etc/environment.
std::vector<std::string> variables_of(const std::string& root) {
  std::vector<std::string> out;
  const auto text = read_file(root + "/etc/environment", kMaxEnvironmentFile);
  if (!text) return out;
  for (std::string line : split(*text, '\n')) {
    if (line.starts_with("export ")) line.erase(0, 7);
    const auto equals = line.find('=');
    if (equals == std::string::npos || equals == 0 || line[0] == '#' || printable(line) != line) continue;
    std::string value = line.substr(equals + 1);
    const bool quoted =
        value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
    if (quoted) value = value.substr(1, value.size() - 2);
    out.push_back(line.substr(0, equals + 1) + value);
  }
  return out;
}

class Stager {
 public:
  /// `user`: the process that will use the image.
  Stager(StageRequest request, std::vector<std::string> environment, pid_t user)
      : request_(std::move(request)),
        spec_(request_.container),
        environment_(std::move(environment)),
        user_(user) {}

  Result<Staged> run() {
    const auto image = parse_image(spec_.image);
    if (!image) return problem(image.error().message, true);
    image_ = *image;
    const auto tool = runtime();
    if (!tool) return problem(tool.error().message);
    staged_.runtime = tool->runtime;
    staged_.tool = tool->path;
    staged_.version = tool->version;
    if (spec_.cache.empty()) {
      const auto own = user_folder();
      if (!own) return problem(own.error().message);
      spec_.cache = *own + "/images";
    }
    switch (tool->runtime) {
      case Runtime::Pyxis:
        return for_pyxis();
      case Runtime::Podman:
      case Runtime::Docker:
        return for_docker();
      case Runtime::Apptainer:
        return for_apptainer();
      default:
        return for_folder();
    }
  }

 private:
  Expected<Tool> runtime() const {
    if (!request_.tool.empty()) return Tool{request_.runtime, request_.tool, request_.version};
    return request_.runtime == Runtime::Auto ? first_working_runtime(environment_)
                                             : try_runtime(request_.runtime, environment_);
  }

  // ---- by runtime

  Result<Staged> for_pyxis() {
    const bool enroot = !find_program("enroot", environment_).empty();
    if (!image_.is_path() && (spec_.by_runtime || !enroot)) {
      staged_.image = pyxis_name(image_);
      return staged_;
    }
    return with_squash();
  }

  Result<Staged> with_squash() {
    SWEEP_ASSIGN(auto file, squash_file());
    staged_.image = file;
    return staged_;
  }

  Result<Staged> for_apptainer() {
    struct stat info {};
    if (image_.is_path() && ::stat(image_.path.c_str(), &info) == 0 &&
        (S_ISDIR(info.st_mode) || image_.path.ends_with(".sif"))) {
      staged_.image = image_.path;
      return staged_;
    }
    const std::string stem = stem_of(spec_.image);
    if (image_.is_path() || ::access((spec_.cache + "/" + stem + ".sqsh").c_str(), F_OK) == 0)
      return with_squash();
    WantedEntry wanted;
    wanted.name = stem + ".sif";
    wanted.make = [&](const std::string& part) {
      return import_with({staged_.tool, "pull", part, "docker://" + docker_name(image_)}, part);
    };
    wanted.check = [](const std::string& path) -> Expected<void> {
      std::error_code code;
      if (fs::is_regular_file(path, code) && fs::file_size(path, code) > 0) return {};
      return fail("'" + path + "' is empty");
    };
    SWEEP_ASSIGN(const auto path, cached(wanted));
    staged_.image = path;
    return staged_;
  }

  Result<Staged> for_docker() {
    if (image_.is_path()) {
      std::error_code code;
      if (staged_.runtime == Runtime::Docker || !fs::is_directory(image_.path, code)) {
        return problem(std::string(runtime_word(staged_.runtime)) + " cannot run '" + printable(image_.path) +
                           "': it only runs images of a registry" +
                           (staged_.runtime == Runtime::Podman ? " and directories" : ""),
                       true);
      }
      staged_.image = image_.path;
      return staged_;
    }
    staged_.image = docker_name(image_);
    const auto known = [&] {
      constexpr Millis kInspect{60'000};
      const auto ran = run_program({staged_.tool, "image", "inspect", "--format", "{{.Id}}", staged_.image},
                                   {.environment = environment_, .limit = kInspect, .with_errors = false});
      if (!ran || !ran->ok()) return false;
      staged_.digest = clipped(printable(ran->out.substr(0, ran->out.find('\n'))), 100);
      // Podman prints the digest without "sha256:", docker with it.
      if (staged_.digest.find(':') == std::string::npos) staged_.digest.insert(0, "sha256:");
      return true;
    };
    if (known()) return staged_;
    const auto pulled = import_with({staged_.tool, "pull", "--quiet", staged_.image}, "");
    if (!pulled) return tl::unexpected(problem_);
    known();
    return staged_;
  }

  /// Stages an unpacked directory on this node, for bwrap and enroot.
  Result<Staged> for_folder() {
    const bool enroot = staged_.runtime == Runtime::Enroot;
    std::error_code code;
    if (image_.is_path() && fs::is_directory(image_.path, code)) {
      if (enroot)
        return problem("enroot cannot run the directory '" + printable(image_.path) +
                           "': it only runs squash files and images of a registry",
                       true);
      staged_.image = image_.path;
      staged_.environment = variables_of(image_.path);
      return staged_;
    }
    SWEEP_ASSIGN(const auto file, squash_file());
    const auto own = user_folder(spec_.scratch);
    if (!own) return problem(own.error().message);
    Store roots(*own + "/roots", [](const StageProgress& progress) { print_report(progress); });
    WantedEntry wanted;
    wanted.name = stem_of(fs::path(file).stem().string()) + "." +
                  staged_.digest.substr(staged_.digest.rfind(':') + 1).substr(0, kShortDigest) + ".root";
    wanted.room_bytes = std::max(spec_.room_bytes, staged_.bytes);
    wanted.make = [&](const std::string& part) { return unpack(file, part); };
    wanted.check = [](const std::string& path) -> Expected<void> {
      std::error_code bad;
      if (fs::is_directory(path, bad) && !fs::is_empty(path, bad)) return {};
      return fail("'" + path + "' is not an unpacked image");
    };
    const auto root = roots.ensure(wanted);
    if (!root) return problem(root.error().message);
    if (!roots.info(wanted.name)) roots.set_info(wanted.name, {spec_.image, staged_.digest, staged_.bytes});
    roots.mark_used(wanted.name, user_);
    staged_.image = *root;
    if (!enroot) staged_.environment = variables_of(*root);
    return staged_;
  }

  Expected<void> unpack(const std::string& file, const std::string& part) {
    // The tools do not report progress of unpacking; the file itself is complete.
    print_report(StageProgress{"unpacking", staged_.bytes, staged_.bytes});
    std::vector<std::string> argv;
    std::vector<std::string> environment = environment_;
    if (staged_.runtime == Runtime::Enroot) {
      const fs::path path(part);
      argv = {staged_.tool, "create", "--name", path.filename().string(), file};
      environment.push_back("ENROOT_DATA_PATH=" + path.parent_path().string());
    } else {
      // -ignore-errors because an ordinary user cannot create device files; /dev is mounted from the host.
      argv = {"unsquashfs", "-no-progress", "-quiet", "-no-xattrs", "-ignore-errors", "-dest", part, file};
    }
    const auto ran = run_program(argv, {environment});
    if (!ran) return fail(ran.error().message + "; install squashfs-tools on the node");
    constexpr int kHarmless = 2;  // unsquashfs: a file that is not essential could not be created
    const bool harmless = staged_.runtime == Runtime::Bwrap && ran->status.code == kHarmless &&
                          import_fault(ran->out) != ImportFault::DiskFull;
    if (!ran->ok() && !harmless) return fail("cannot unpack '" + file + "': " + how_it_ended(*ran));
    return {};
  }

  // ---- squash files

  /// Returns the path of the image as a complete squash file: the given file, or one in the cache.
  Result<std::string> squash_file() {
    std::string path = image_.path;
    if (image_.is_path()) {
      if (::access(path.c_str(), F_OK) != 0) return problem("image '" + printable(path) + "' does not exist");
      if (const auto whole = check_squash(path); !whole) return problem("image " + whole.error().message);
      return described(path, "");
    }
    WantedEntry wanted;
    wanted.name = stem_of(spec_.image) + ".sqsh";
    wanted.check = check_squash;
    wanted.make = [&](const std::string& part) -> Expected<void> {
      const std::string enroot = find_program("enroot", environment_);
      if (!enroot.empty())
        return import_with({enroot, "import", "--output", part, enroot_name(image_)}, part);
      problem_ = {"cannot import '" + printable(spec_.image) +
                  "': enroot is not in PATH; install enroot, or put the "
                  "image as a squash file into '" +
                  spec_.cache + "' as " + wanted.name};
      return fail(problem_.reason);
    };
    const auto made = cached(wanted);
    if (!made) return made;
    return described(*made, wanted.name);
  }

  /// Sets the size and the digest of the squash file and returns its path. `entry`: its name in the cache;
  /// empty if it is not in the cache.
  Result<std::string> described(const std::string& path, const std::string& entry) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) staged_.bytes = info.st_size;
    const Store store = cache();
    const auto known = entry.empty() ? std::nullopt : store.info(entry);
    if (known && known->bytes == staged_.bytes && !known->digest.empty()) {
      staged_.digest = known->digest;
      return path;
    }
    const auto digest = squash_digest(path);
    if (!digest) return problem("image '" + printable(path) + "' is not usable: " + digest.error().message);
    staged_.digest = *digest;
    if (!entry.empty()) store.set_info(entry, {spec_.image, *digest, staged_.bytes});
    return path;
  }

  Store cache() const {
    return {spec_.cache, [](const StageProgress& progress) { print_report(progress); }};
  }

  /// Returns the path of an entry of the cache, which is made if necessary, and marks it as used.
  Result<std::string> cached(WantedEntry& wanted) {
    Store store = cache();
    wanted.room_bytes = spec_.room_bytes;
    const auto path = store.ensure(wanted);
    if (!path) return tl::unexpected(problem_.reason.empty() ? Problem{path.error().message} : problem_);
    if (!store.info(wanted.name)) store.set_info(wanted.name, {spec_.image, "", 0});
    store.mark_used(wanted.name, user_);
    return *path;
  }

  /// Removes images that exceed the cache's limits. An image that cannot be removed does not stop the import.
  void make_room() {
    CacheLimits limits;
    if (spec_.keep_ms > 0) limits.unused = Millis(spec_.keep_ms);
    if (spec_.keep_bytes > 0) limits.bytes = std::max<std::int64_t>(0, spec_.keep_bytes - spec_.room_bytes);
    if (!limits.unused && !limits.bytes) return;
    const auto images = list_images(spec_.cache);
    if (!images) return;
    for (const CachedImage& image : images_to_prune(*images, limits, ::time(nullptr)))
      std::ignore = remove_image(spec_.cache, image);
  }

  // ---- imports

  /// Runs `command`, which writes the image to `part`. If it fails for a reason that may be temporary, such
  /// as the network, runs it again up to `retries` times.
  Expected<void> import_with(const std::vector<std::string>& command, const std::string& part) {
    if (!part.empty()) make_room();
    const std::string helpers = part.empty() ? "" : part + std::string(kHelpers);
    std::vector<std::string> environment = environment_;
    if (!helpers.empty()) {
      ::mkdir(helpers.c_str(), 0700);
      ::mkdir((helpers + "/layers").c_str(), 0700);
      environment.push_back("ENROOT_TEMP_PATH=" + helpers);
      // Otherwise layers as large as the image would stay in the user's cache.
      const auto set = [](const std::string& entry) { return entry.starts_with("ENROOT_CACHE_PATH="); };
      if (std::none_of(environment.begin(), environment.end(), set))
        environment.push_back("ENROOT_CACHE_PATH=" + helpers + "/layers");
    }
    const auto progress = [&] {
      struct stat info {};
      print_report(StageProgress{"importing",
                                 !part.empty() && ::stat(part.c_str(), &info) == 0 ? info.st_size : 0, 0});
    };
    Millis wait = kFirstWait;
    for (int tries = 0;; ++tries, wait *= 2) {
      progress();
      const auto ran = run_program(command, {environment, Millis(0), progress});
      if (!ran) return fail((problem_ = {ran.error().message}).reason);
      if (ran->ok()) return {};
      problem_ = import_problem(spec_.image, *ran);
      const bool hopeless = problem_.of_image || import_fault(ran->out) == ImportFault::DiskFull;
      if (hopeless || tries >= spec_.retries) {
        if (tries > 0) problem_.reason += ", after " + std::to_string(tries + 1) + " tries";
        return fail(problem_.reason);
      }
      if (!part.empty()) std::ignore = remove_all(part);
      ::poll(nullptr, 0, static_cast<int>(wait.count()));
    }
  }

  StageRequest request_;
  ContainerSpec spec_;  // request_.container, with the default cache filled in
  std::vector<std::string> environment_;
  pid_t user_;
  Image image_;
  Staged staged_;
  Problem problem_;  // of the last import that failed
};

int run_worker(const StageRequest& request, pid_t user) {
  remove_abandoned_containers(own_environment());
  const std::string node = request.node.empty() ? host_name() : request.node;
  const auto staged = Stager(request, own_environment(), user).run();
  if (staged) {
    print_report(*staged);
    return 0;
  }
  print_report(Failed{staged.error().of_image, "node " + node + ": " + staged.error().reason});
  return 1;
}

pid_t fork_worker(const StageRequest& request, pid_t user) {
  const pid_t parent = ::getpid();
  const pid_t worker = ::fork();
  if (worker != 0) return worker;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int status = run_worker(request, user);
  ::_exit(status);
}

/// Returns the worker's exit status; std::nullopt if this process got a signal to end.
std::optional<int> wait_for(pid_t worker, SignalFd& signals) {
  for (;;) {
    pollfd fd{signals.fd(), POLLIN, 0};
    ::poll(&fd, 1, -1);
    for (const int signal : signals.take()) {
      if (signal != SIGCHLD) return std::nullopt;
    }
    if (const auto ended = reap(worker)) return ended->code.value_or(1);
  }
}

}  // namespace

// The work is done in a second process. The tools that it runs start processes that leave their group and
// outlive them; those become children of this process, which kills all of them, however the second process
// ends.
int stage_image(const std::string& text) {
  const pid_t user = ::getppid();
  const auto request = stage_request_in(text);
  if (!request) {
    print_report(Failed{false, request.error().message});
    return 1;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::signal(SIGQUIT, SIG_DFL);  // the agent's own message, also if a shell ignores it
  SignalFd signals({SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD});
  const pid_t worker = fork_worker(*request, user);
  const ProcessToken token = token_of(worker);
  const auto status = wait_for(worker, signals);
  kill_children(kKillTimeout);
  if (status != 0) {
    for (const std::string& folder : {request->container.cache, user_folder().value_or("") + "/images",
                                      user_folder(request->container.scratch).value_or("") + "/roots"})
      remove_parts_of(folder, token);
  }
  return status.value_or(1);
}

}  // namespace sweep::container
