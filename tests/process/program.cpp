#include "tests/process/program.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/unit/net_loop.hpp"

namespace sweep {

const char* const kGoodBenchmark = R"(#!/bin/sh
echo "Application startup complete."
cat >"$RESULT_FILENAME.json" <<RESULT
{"model_id": "$MODEL", "max_concurrency": $CONC, "completed": 4, "duration": 1.0, "total_token_throughput": 300.0,
 "output_throughput": 100.0, "median_ttft_ms": 10.0, "median_tpot_ms": 5.0, "median_e2el_ms": 50.0,
 "median_itl_ms": 5.0, "mean_ttft_ms": 10.0, "mean_tpot_ms": 5.0, "mean_e2el_ms": 50.0, "hardware": "cpu"}
RESULT
)";

namespace {

/// Spawns with the dispositions that a program has in a terminal: the tests may run under nohup, or as a
/// background job that ignores SIGINT, and programs keep ignored what was ignored at their start.
Expected<Child> spawn_as_in_a_terminal(const SpawnSpec& spec) {
  constexpr std::array<int, 3> kSignals = {SIGHUP, SIGINT, SIGQUIT};
  std::array<void (*)(int), kSignals.size()> before{};
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    before[i] = std::signal(kSignals[i], SIG_DFL);
  auto child = spawn(spec);
  for (std::size_t i = 0; i < kSignals.size(); ++i)
    std::signal(kSignals[i], before[i]);
  return child;
}

}  // namespace

Program::Program(const std::string& directory, std::vector<std::string> argv,
                 const std::vector<std::string>& environment) {
  auto out = make_pipe();
  auto err = make_pipe();
  if (!argv[0].starts_with('/')) argv[0] = std::string(SWEEP_BIN_DIR) + "/" + argv[0];
  SpawnSpec spec;
  spec.argv = std::move(argv);
  spec.directory = directory;
  spec.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + directory};
  spec.environment.insert(spec.environment.end(), environment.begin(), environment.end());
  spec.out = out->write_end.get();
  spec.err = err->write_end.get();
  auto child = spawn_as_in_a_terminal(spec);
  if (!child) throw std::runtime_error(child.error().message);
  child_ = std::move(*child);
  out_fd_ = std::move(out->read_end);
  err_fd_ = std::move(err->read_end);
  watch(out_fd_, out_);
  watch(err_fd_, err_);
  loop_.watch(child_.pidfd.get(), [this] {
    status_ = reap(child_.pid);
    loop_.unwatch(child_.pidfd.get());
  });
}

Program::~Program() {
  if (!status_) ::kill(-child_.pid, SIGKILL);
}

void Program::watch(Fd& fd, std::string& text) {
  loop_.watch(fd.get(), [this, &fd, &text] {
    const Chunk chunk = read_available(fd.get(), 65536);
    text += chunk.bytes;
    if (!chunk.closed) return;
    loop_.unwatch(fd.get());
    fd.reset();
  });
}

bool Program::wait_for_error(const std::string& text, int times) {
  const auto found = [&] {
    int count = 0;
    for (std::size_t at = err_.find(text); at != std::string::npos; at = err_.find(text, at + text.size()))
      ++count;
    return count >= times;
  };
  return run_until(loop_, [&] { return found() || status_; }) && found();
}

bool Program::wait_for_output(const std::string& text) {
  const auto found = [&] { return out_.find(text) != std::string::npos; };
  return run_until(loop_, [&] { return found() || status_; }) && found();
}

int Program::finish() {
  if (!run_until(loop_, [&] { return status_ && !out_fd_.open() && !err_fd_.open(); })) return -1000;
  return status_->signal ? -*status_->signal : status_->code.value_or(-1001);
}

void Program::signal(int number) const {
  ::kill(child_.pid, number);
}

ProcessTest::ProcessTest() {
  std::string name = (std::filesystem::temp_directory_path() / "sweep-process-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  directory_ = name;
}

ProcessTest::~ProcessTest() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void ProcessTest::write(const std::string& name, const std::string& text, bool executable) const {
  std::ofstream(directory_ / name) << text;
  if (executable) ::chmod((directory_ / name).c_str(), 0755);
}

std::string ProcessTest::read(const std::string& name) const {
  std::ifstream file(directory_ / name, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void ProcessTest::write_matrix(const std::vector<int>& concurrencies) const {
  std::string text = "dsr1-fp4-b200-sglang:\n  image: i\n  model: m\n  framework: sglang\n  search-space:\n";
  for (const int conc : concurrencies) {
    const std::string n = std::to_string(conc);
    text += "    - { tp: 1, conc-start: " + n + ", conc-end: " + n + " }\n";
  }
  write("matrix.yaml", text);
  write("profile.yaml", "gpus: ignore\ntimeouts: { kill-grace: 500ms }\n");
}

Fd ProcessTest::make_fifo(const std::string& name) const {
  if (::mkfifo(path(name).c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
  return Fd(::open(path(name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

std::optional<std::string> next_line(const Fd& fd) {
  EventLoop loop;
  std::string text;
  bool closed = false;
  loop.watch(fd.get(), [&] {
    const Chunk chunk = read_available(fd.get(), 1);
    text += chunk.bytes;
    closed = chunk.closed;
  });
  if (!run_until(loop, [&] { return closed || text.ends_with('\n'); })) return std::nullopt;
  return text;
}

}  // namespace sweep
