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
#include "container/core/import_words.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"
#include "container/io/descendants.hpp"
#include "container/io/places.hpp"
#include "container/io/store.hpp"
#include "container/io/tools.hpp"
#include "util/digest.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/os/signals.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxStem = 160;  // of an entry's name, with room for what its marks add
constexpr std::size_t kShortDigest = 12;
constexpr std::size_t kMaxEnvironmentFile = 1 << 20;
constexpr Millis kFirstWait{2'000};
constexpr Millis kForEnding{5'000};

void say(const Report& report) {
  const std::string line = line_of(report) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

/// An image that no node could have; anything else is this node's fault.
struct Problem {
  std::string reason;
  bool of_image = false;
};
template <class T>
using Or = tl::expected<T, Problem>;

tl::unexpected<Problem> no(std::string reason, bool of_image = false) {
  return tl::unexpected<Problem>(Problem{std::move(reason), of_image});
}

/// What a tool's last words say about an import.
Problem problem_of(const std::string& image, const ProgramResult& ran) {
  const std::string what = "cannot import '" + printable(image) + "': ";
  // One that was killed had not said its last word.
  switch (ran.status.code ? import_fault(ran.out) : ImportFault::Unclear) {
    case ImportFault::Login:
      return {what + "it needs a login, or does not exist (" + how_it_ended(ran) + ")", true};
    case ImportFault::NoSuchImage:
      return {what + "there is no such image (" + how_it_ended(ran) + ")", true};
    case ImportFault::DiskFull:
    case ImportFault::Unclear:
      break;
  }
  return {what + how_it_ended(ran), false};
}

/// A name that a file can have, however long the image's is.
std::string stem_of(const std::string& image) {
  const std::string slug = image_slug(image);
  if (slug.size() <= kMaxStem) return slug;
  return slug.substr(0, kMaxStem) + "_" + sha256_hex(slug).substr(0, kShortDigest);
}

/// KEY=VALUE, as enroot leaves an image's variables in /etc/environment.
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
  /// `user`: the process that is to use the image.
  Stager(StageRequest request, std::vector<std::string> environment, pid_t user)
      : request_(std::move(request)), environment_(std::move(environment)), user_(user) {}

  Or<Staged> run() {
    const auto image = parse_image(request_.image);
    if (!image) return no(image.error().message, true);
    image_ = *image;
    const auto tool = runtime();
    if (!tool) return no(tool.error().message);
    staged_.runtime = tool->runtime;
    staged_.tool = tool->path;
    staged_.version = tool->version;
    if (request_.cache.empty()) {
      const auto own = own_folder();
      if (!own) return no(own.error().message);
      request_.cache = *own + "/images";
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
    return request_.runtime == Runtime::Auto ? first_that_works(environment_)
                                             : try_runtime(request_.runtime, environment_);
  }

  // ---- by runtime

  Or<Staged> for_pyxis() {
    const bool enroot = !find_program("enroot", environment_).empty();
    if (!image_.is_path() && (request_.by_runtime || !enroot)) {
      staged_.image = pyxis_name(image_);
      return staged_;
    }
    return with_squash();
  }

  Or<Staged> with_squash() {
    SWEEP_ASSIGN(auto file, squash_file());
    staged_.image = file;
    return staged_;
  }

  Or<Staged> for_apptainer() {
    struct stat info {};
    if (image_.is_path() && ::stat(image_.path.c_str(), &info) == 0 &&
        (S_ISDIR(info.st_mode) || image_.path.ends_with(".sif"))) {
      staged_.image = image_.path;
      return staged_;
    }
    const std::string stem = stem_of(request_.image);
    if (image_.is_path() || ::access((request_.cache + "/" + stem + ".sqsh").c_str(), F_OK) == 0)
      return with_squash();
    Making making;
    making.name = stem + ".sif";
    making.make = [&](const std::string& part) {
      return importing({staged_.tool, "pull", part, "docker://" + docker_name(image_)}, part);
    };
    making.check = [](const std::string& path) -> Expected<void> {
      std::error_code code;
      if (fs::is_regular_file(path, code) && fs::file_size(path, code) > 0) return {};
      return fail("'" + path + "' is empty");
    };
    SWEEP_ASSIGN(const auto path, cached(making));
    staged_.image = path;
    return staged_;
  }

  Or<Staged> for_docker() {
    if (image_.is_path()) {
      std::error_code code;
      if (staged_.runtime == Runtime::Docker || !fs::is_directory(image_.path, code)) {
        return no(std::string(runtime_word(staged_.runtime)) + " cannot run '" + printable(image_.path) +
                      "': it takes images of a registry" +
                      (staged_.runtime == Runtime::Podman ? ", and folders that exist" : ""),
                  true);
      }
      staged_.image = image_.path;
      return staged_;
    }
    staged_.image = docker_name(image_);
    const auto known = [&] {
      const auto ran = run_program({staged_.tool, "image", "inspect", "--format", "{{.Id}}", staged_.image},
                                   {environment_, Millis(60'000)});
      if (!ran || !ran->ok()) return false;
      staged_.digest = clipped(printable(ran->out.substr(0, ran->out.find('\n'))), 100);
      // Podman leaves out what docker has in front.
      if (staged_.digest.find(':') == std::string::npos) staged_.digest.insert(0, "sha256:");
      return true;
    };
    if (known()) return staged_;
    const auto pulled = importing({staged_.tool, "pull", "--quiet", staged_.image}, "");
    if (!pulled) return tl::unexpected(problem_);
    known();
    return staged_;
  }

  /// For bwrap and enroot: an unpacked folder on this node.
  Or<Staged> for_folder() {
    const bool enroot = staged_.runtime == Runtime::Enroot;
    std::error_code code;
    if (image_.is_path() && fs::is_directory(image_.path, code)) {
      if (enroot)
        return no("enroot cannot run the folder '" + printable(image_.path) +
                      "'; it takes squash files and images of a registry",
                  true);
      staged_.image = image_.path;
      staged_.environment = variables_of(image_.path);
      return staged_;
    }
    SWEEP_ASSIGN(const auto file, squash_file());
    const auto own = own_folder(request_.scratch);
    if (!own) return no(own.error().message);
    Store roots(*own + "/roots", [](const StageProgress& progress) { say(progress); });
    Making making;
    making.name = stem_of(fs::path(file).stem().string()) + "." +
                  staged_.digest.substr(staged_.digest.rfind(':') + 1).substr(0, kShortDigest) + ".root";
    making.room_bytes = std::max(request_.room_bytes, staged_.bytes);
    making.make = [&](const std::string& part) { return unpack(file, part); };
    making.check = [](const std::string& path) -> Expected<void> {
      std::error_code bad;
      if (fs::is_directory(path, bad) && !fs::is_empty(path, bad)) return {};
      return fail("'" + path + "' is no unpacked image");
    };
    const auto root = roots.ensure(making);
    if (!root) return no(root.error().message);
    if (!roots.meta(making.name))
      roots.set_meta(making.name, {request_.image, staged_.digest, staged_.bytes});
    roots.mark_used(making.name, user_);
    staged_.image = *root;
    if (!enroot) staged_.environment = variables_of(*root);
    return staged_;
  }

  Expected<void> unpack(const std::string& file, const std::string& part) {
    // How much of it is unpacked nobody tells; that all of it has come is known.
    say(StageProgress{"unpacking", staged_.bytes, staged_.bytes});
    std::vector<std::string> argv;
    std::vector<std::string> environment = environment_;
    if (staged_.runtime == Runtime::Enroot) {
      const fs::path path(part);
      argv = {staged_.tool, "create", "--name", path.filename().string(), file};
      environment.push_back("ENROOT_DATA_PATH=" + path.parent_path().string());
    } else {
      // Device files, which an ordinary user cannot make, are what -ignore-errors is for: /dev comes from the
      // host.
      argv = {"unsquashfs", "-no-progress", "-quiet", "-no-xattrs", "-ignore-errors", "-dest", part, file};
    }
    const auto ran = run_program(argv, {environment});
    if (!ran) return fail(ran.error().message + "; unpacking needs squashfs-tools");
    constexpr int kHarmless = 2;  // unsquashfs: something that can be left out could not be made
    const bool harmless = staged_.runtime == Runtime::Bwrap && ran->status.code == kHarmless &&
                          import_fault(ran->out) != ImportFault::DiskFull;
    if (!ran->ok() && !harmless) return fail("cannot unpack '" + file + "': " + how_it_ended(*ran));
    return {};
  }

  // ---- squash files

  /// The image as a squash file that is whole: its own path, or the cache's.
  Or<std::string> squash_file() {
    std::string path = image_.path;
    if (image_.is_path()) {
      if (::access(path.c_str(), F_OK) != 0) return no("image '" + printable(path) + "' does not exist");
      if (const auto whole = check_squash(path); !whole) return no("image " + whole.error().message);
      return described(path, "");
    }
    Making making;
    making.name = stem_of(request_.image) + ".sqsh";
    making.check = check_squash;
    making.make = [&](const std::string& part) -> Expected<void> {
      const std::string enroot = find_program("enroot", environment_);
      if (!enroot.empty()) return importing({enroot, "import", "--output", part, enroot_name(image_)}, part);
      problem_ = {"image '" + printable(request_.image) + "' is not in '" + request_.cache + "' as " +
                  making.name + ", and enroot, which would import it, is not in PATH"};
      return fail(problem_.reason);
    };
    const auto made = cached(making);
    if (!made) return made;
    return described(*made, making.name);
  }

  /// `entry`: its name, where it is one of the cache.
  Or<std::string> described(const std::string& path, const std::string& entry) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) staged_.bytes = info.st_size;
    const Store store = cache();
    const auto known = entry.empty() ? std::nullopt : store.meta(entry);
    if (known && known->bytes == staged_.bytes && !known->digest.empty()) {
      staged_.digest = known->digest;
      return path;
    }
    const auto digest = squash_digest(path);
    if (!digest) return no("image '" + printable(path) + "' is not usable: " + digest.error().message);
    staged_.digest = *digest;
    if (!entry.empty()) store.set_meta(entry, {request_.image, *digest, staged_.bytes});
    return path;
  }

  Store cache() const {
    return {request_.cache, [](const StageProgress& progress) { say(progress); }};
  }

  /// An entry of the cache, there already or made now, and used from now on.
  Or<std::string> cached(Making& making) {
    Store store = cache();
    making.room_bytes = request_.room_bytes;
    const auto path = store.ensure(making);
    if (!path) return tl::unexpected(problem_.reason.empty() ? Problem{path.error().message} : problem_);
    if (!store.meta(making.name)) store.set_meta(making.name, {request_.image, "", 0});
    store.mark_used(making.name, user_);
    return *path;
  }

  /// By the cache's limits. What cannot be removed is no reason not to import.
  void make_room() {
    Limits limits;
    if (request_.keep_ms > 0) limits.unused = Millis(request_.keep_ms);
    if (request_.keep_bytes > 0)
      limits.bytes = std::max<std::int64_t>(0, request_.keep_bytes - request_.room_bytes);
    if (!limits.unused && !limits.bytes) return;
    const auto images = list_images(request_.cache);
    if (!images) return;
    for (const Stored& image : to_prune(*images, limits, ::time(nullptr)))
      std::ignore = remove_image(request_.cache, image);
  }

  // ---- imports

  /// Runs `command`, which leaves the image at `part`, again and again while only the network may be to
  /// blame.
  Expected<void> importing(const std::vector<std::string>& command, const std::string& part) {
    if (!part.empty()) make_room();
    const std::string helpers = part.empty() ? "" : part + std::string(kHelpers);
    std::vector<std::string> environment = environment_;
    if (!helpers.empty()) {
      ::mkdir(helpers.c_str(), 0700);
      ::mkdir((helpers + "/layers").c_str(), 0700);
      environment.push_back("ENROOT_TEMP_PATH=" + helpers);
      // What else would stay there is as large as the image.
      const auto set = [](const std::string& entry) { return entry.starts_with("ENROOT_CACHE_PATH="); };
      if (std::none_of(environment.begin(), environment.end(), set))
        environment.push_back("ENROOT_CACHE_PATH=" + helpers + "/layers");
    }
    const auto progress = [&] {
      struct stat info {};
      say(StageProgress{"importing", !part.empty() && ::stat(part.c_str(), &info) == 0 ? info.st_size : 0,
                        0});
    };
    Millis wait = kFirstWait;
    for (int tries = 0;; ++tries, wait *= 2) {
      progress();
      const auto ran = run_program(command, {environment, Millis(0), progress});
      if (!ran) return fail((problem_ = {ran.error().message}).reason);
      if (ran->ok()) return {};
      problem_ = problem_of(request_.image, *ran);
      const bool hopeless = problem_.of_image || import_fault(ran->out) == ImportFault::DiskFull;
      if (hopeless || tries >= request_.retries) {
        if (tries > 0) problem_.reason += ", after " + std::to_string(tries + 1) + " tries";
        return fail(problem_.reason);
      }
      if (!part.empty()) std::ignore = remove_all(part);
      ::poll(nullptr, 0, static_cast<int>(wait.count()));
    }
  }

  StageRequest request_;
  std::vector<std::string> environment_;
  pid_t user_;
  Image image_;
  Staged staged_;
  Problem problem_;  // of the last import
};

int work(const StageRequest& request, pid_t user) {
  tidy(own_environment());  // what agents before this one could not
  const std::string node = request.node.empty() ? host_name() : request.node;
  const auto staged = Stager(request, own_environment(), user).run();
  if (staged) {
    say(*staged);
    return 0;
  }
  say(Failed{staged.error().of_image, "node " + node + ": " + staged.error().reason});
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
  const int status = work(request, user);
  ::_exit(status);
}

/// The worker's exit status; nothing when a signal told this process to end.
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

// Two processes: tools of others start processes that leave their group, and outlive them. Those come to the
// first one, which ends them all, whatever becomes of the second.
int stage_image(const std::string& text) {
  const pid_t user = ::getppid();
  const auto request = stage_request_in(text);
  if (!request) {
    say(Failed{false, request.error().message});
    return 1;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  SignalFd signals({SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD});
  const pid_t worker = fork_worker(*request, user);
  const Token token = token_of(worker);
  const auto status = wait_for(worker, signals);
  end_children(kForEnding);
  if (status != 0) {
    for (const std::string& folder : {request->cache, own_folder().value_or("") + "/images",
                                      own_folder(request->scratch).value_or("") + "/roots"})
      remove_parts_of(folder, token);
  }
  return status.value_or(1);
}

}  // namespace sweep::container
