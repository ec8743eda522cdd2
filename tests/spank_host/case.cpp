// See case.hpp.
#include "tests/spank_host/case.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace spank_host {
namespace {

// Long enough for a loaded machine, short enough for a test that hangs.
constexpr unsigned kAlarmSeconds = 60;

std::string content(int fd) {
  std::string text;
  char buffer[4096];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  return text;
}

[[noreturn]] void run_body(const std::function<void()>& body, int out, int err) {
  alarm(kAlarmSeconds);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  try {
    body();
  } catch (...) {
    print_line("an exception left the body");
    std::_Exit(96);
  }
  std::exit(kReturned);
}

}  // namespace

Running::Running(const std::function<void()>& body) {
  std::fflush(nullptr);
  out_ = memfd_create("out", MFD_CLOEXEC);
  err_ = memfd_create("err", MFD_CLOEXEC);
  pid_ = fork();
  if (pid_ == 0) run_body(body, out_, err_);
}

Running::~Running() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    wait();
  }
  close(out_);
  close(err_);
}

Outcome Running::wait() {
  Outcome outcome;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  outcome.out = content(out_);
  outcome.err = content(err_);
  return outcome;
}

Outcome run_case(const std::function<void()>& body) {
  return Running(body).wait();
}

void print_line(const std::string& line) {
  const std::string text = line + "\n";
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) std::_Exit(95);
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "spank-host-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::program(const std::string& name, const std::string& text) const {
  std::ofstream(path(name)) << text;
  chmod(path(name).c_str(), 0755);
  return path(name);
}

std::string Folder::text(const std::string& name) const {
  std::stringstream text;
  text << std::ifstream(path(name)).rdbuf();
  return text.str();
}

bool Folder::has(const std::string& name) const {
  return std::filesystem::exists(path(name));
}

bool is_gone(const std::string& digits) {
  const int pid = std::atoi(digits.c_str());
  return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    result.push_back(line);
  return result;
}

}  // namespace spank_host
