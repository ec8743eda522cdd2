// For the tests of container/io: a small image made of this machine's programs, and sweep-agent's helpers as
// processes.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include "container/core/report.hpp"
#include "container/core/request.hpp"
#include "container/io/end_processes.hpp"
#include "container/io/tools.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/os/clock.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::container {

/// Runs `script` under bash and requires exit status 0.
inline void shell(const std::string& script) {
  const auto ran = run_program({"bash", "-euc", script}, {own_environment(), Millis(60'000)});
  ASSERT_TRUE(ran && ran->ok()) << (ran ? ran->out : ran.error().message);
}

class InContainers : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (const auto works = try_runtime(Runtime::Bwrap, own_environment()); !works)
      GTEST_SKIP() << works.error().message;
    for (const char* name : {"image", "ws", "tmp"})
      ASSERT_TRUE(make_directories(path(name)));
    ::setenv("TMPDIR", path("tmp").c_str(), 1);
    shell("cd " + path("image") + R"sh(
mkdir -p usr/bin etc proc dev sys run tmp workspace models
ln -s usr/bin bin
echo 'OF_IMAGE="it says"' >etc/environment
for program in bash sh cat env ls setsid sleep touch true; do
  file=$(readlink -f "$(type -P "$program")")
  cp "$file" "usr/bin/$program"
  ldd "$file" | grep -o '/[^ ]*' | while read -r library; do install -D "$(readlink -f "$library")" ".$library"; done
done)sh");
  }
  void TearDown() override {
    ::unsetenv("TMPDIR");
    kill_children(Millis(10'000));
    std::ignore = remove_all(folder_);
  }

  std::string squash(const std::string& name = "small.sqsh") {
    shell("mksquashfs " + path("image") + " " + path(name) + " -quiet -no-progress -noappend");
    return path(name);
  }

  StartRequest request(const std::string& script) {
    StartRequest out;
    out.runtime = Runtime::Bwrap;
    out.tool = find_program("bwrap", own_environment());
    out.container.image = path("image");
    out.name = "c" + std::to_string(++containers_);
    out.argv = {"bash", "-c", script};
    out.workspace = path("ws");
    out.container.workdir = "/workspace/";
    out.container.names = {"NAMED", "SWEEP_ATTEMPT"};
    out.node = "n1";
    return out;
  }

  struct Started {
    Child child;
    Fd out, note;
  };

  Started start(const StartRequest& what, const std::string& option = "--contain") {
    return start(std::vector<std::string>{SWEEP_AGENT, option, to_text(what)});
  }
  Started start(const std::vector<std::string>& argv) {
    auto out = make_pipe(), note = make_pipe();
    EXPECT_TRUE(out && note);
    SpawnSpec spec;
    spec.argv = argv;
    spec.environment = own_environment();
    spec.environment.push_back("NAMED=yes");
    spec.environment.push_back("SWEEP_ATTEMPT=" + mark());
    spec.environment.push_back("HF_TOKEN=hidden");
    spec.out = spec.err = out->write_end.get();
    spec.more = {note->write_end.get()};
    spec.death_signal = SIGQUIT;
    auto child = spawn(spec);
    EXPECT_TRUE(child) << child.error().message;
    return {std::move(*child), std::move(out->read_end), std::move(note->read_end)};
  }

  /// Reads until the other end is closed.
  static std::string all_of(Fd& fd) {
    std::string text;
    for (;;) {
      pollfd ready{fd.get(), POLLIN, 0};
      if (::poll(&ready, 1, 30'000) <= 0) return text + "(nothing more came)";
      const Chunk chunk = read_available(fd.get(), 4096);
      text += chunk.bytes;
      if (chunk.closed) return text;
    }
  }
  /// Reads until `wanted` has arrived.
  static std::string until(Fd& fd, const std::string& wanted) {
    std::string text;
    pollfd ready{fd.get(), POLLIN, 0};
    while (text.find(wanted) == std::string::npos && ::poll(&ready, 1, 30'000) > 0) {
      const Chunk chunk = read_available(fd.get(), 4096);
      text += chunk.bytes;
      if (chunk.closed) break;
    }
    return text;
  }
  static ExitStatus end_of(Child& child) {
    pollfd ended{child.pidfd.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 30'000), 1) << "it does not end";
    return reap(child.pid).value_or(ExitStatus{});
  }

  struct Ended {
    ExitStatus status;
    std::string out;
    std::optional<Failed> note;
  };
  Ended finish(Started& started) {
    Ended out;
    out.out = all_of(started.out);
    out.status = end_of(started.child);
    const std::string note = all_of(started.note);
    if (note.empty()) return out;
    const auto report = report_in(note.substr(0, note.find('\n')));
    EXPECT_TRUE(report) << note;
    if (report) out.note = std::get<Failed>(*report);
    return out;
  }
  Ended run(const StartRequest& what) {
    auto started = start(what);
    return finish(started);
  }

  /// Returns the processes that have this test's mark in their environment.
  std::vector<pid_t> marked() const {
    std::vector<pid_t> out;
    for (const auto& item : std::filesystem::directory_iterator("/proc")) {
      const std::string name = item.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(item.path() / "environ", std::ios::binary);
      const std::string environment(std::istreambuf_iterator<char>(file), {});
      if (environment.find("SWEEP_ATTEMPT=" + mark()) != std::string::npos) out.push_back(std::stoi(name));
    }
    return out;
  }
  /// Waits until no marked process is left; false after 20 s.
  bool all_gone() const {
    const Instant limit = now() + Millis(20'000);
    for (auto left = marked(); !left.empty(); left = marked()) {
      const Fd one(static_cast<int>(::syscall(SYS_pidfd_open, left[0], 0)));
      pollfd ended{one.get(), POLLIN, 0};
      if (one.open()) ::poll(&ended, 1, 20'000);
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
      if (now() >= limit) return false;
    }
    return true;
  }

  std::vector<std::string> places() const {
    std::vector<std::string> out;
    std::error_code code;
    const std::string own = path("tmp/slurm-sweep-" + std::to_string(::getuid()) + "/containers");
    for (const auto& item : std::filesystem::directory_iterator(own, code))
      out.push_back(item.path().filename().string());
    return out;
  }

  std::string mark() const { return folder_.substr(folder_.rfind('/') + 1); }

  int containers_ = 0;
};

}  // namespace sweep::container
