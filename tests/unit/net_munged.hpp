// The test's own munged, with key and socket in a temporary folder that SLURM_CONF names. It is killed when
// the test ends.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "proto/net/curve.hpp"
#include "proto/net/event_loop.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep {

class Munged {
 public:
  Munged() = default;
  Munged(const Munged&) = delete;
  Munged& operator=(const Munged&) = delete;
  ~Munged() {
    stop();
    if (was_set_) {
      ::setenv("SLURM_CONF", before_.c_str(), 1);
    } else {
      ::unsetenv("SLURM_CONF");
    }
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

  /// Starts munged and sets this process's environment so that it is used. Returns the reason if that is not
  /// possible.
  std::string start() {
    if (::access("/usr/sbin/munged", X_OK) != 0) return "munge is not installed (package munge)";
    std::string name = (std::filesystem::temp_directory_path() / "sweep-munged-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return "no folder for munged";
    folder_ = name;
    ::chmod(name.c_str(), 0755);  // other users use it too
    const auto key = make_key_pair();
    if (!write_file_atomic(folder_ + "/key", key.secret_key + key.public_key, 0400))
      return "no key for munged";
    if (!write_file_atomic(conf(), "AuthInfo=socket=" + folder_ + "/socket\n")) return "no slurm.conf";
    auto pipe = make_pipe();
    SpawnSpec spec;
    spec.argv = {"/usr/sbin/munged",
                 "--foreground",
                 "--key-file=" + folder_ + "/key",
                 "--socket=" + folder_ + "/socket",
                 "--pid-file=" + folder_ + "/pid",
                 "--log-file=" + folder_ + "/log",
                 "--seed-file=" + folder_ + "/seed"};
    spec.err = pipe->write_end.get();
    auto child = spawn(spec);
    if (!child) return child.error().message;
    child_ = std::move(*child);
    pipe->write_end.reset();
    if (!heard(pipe->read_end, "Created socket")) return "munged does not start: " + said_;
    if (const char* old = std::getenv("SLURM_CONF"); old != nullptr) before_ = old, was_set_ = true;
    ::setenv("SLURM_CONF", conf().c_str(), 1);
    return {};
  }

  /// Returns the variable for the environment of programs under test.
  std::string conf() const { return folder_ + "/slurm.conf"; }

  void signal(int number) const { ::kill(child_.pid, number); }

  void stop() {
    if (child_.pid <= 0) return;
    ::kill(child_.pid, SIGKILL);
    EventLoop loop;
    bool ended = false;
    loop.watch(child_.pidfd.get(), [&] { ended = true; });
    run_until(loop, [&] { return ended; });
    reap(child_.pid);
    child_ = {};
  }

 private:
  bool heard(const Fd& fd, const std::string& text) {
    EventLoop loop;
    bool closed = false;
    loop.watch(fd.get(), [&] {
      const Chunk chunk = read_available(fd.get(), 65536);
      said_ += chunk.bytes;
      closed = chunk.closed;
    });
    const auto found = [&] { return said_.find(text) != std::string::npos; };
    return run_until(loop, [&] { return closed || found(); }) && found();
  }

  std::string folder_, said_, before_;
  bool was_set_ = false;
  Child child_;
};

}  // namespace sweep
