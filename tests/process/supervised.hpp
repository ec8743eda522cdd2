// sweepctl serve under its supervisor, as the plugin starts it, and an agent. Point 1 ends by itself; point 2
// waits until the test lets it end.
#pragma once

#include <fcntl.h>

#include <csignal>

#include "controller/io/control_file.hpp"
#include "tests/process/program.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

class Supervised : public ProcessTest {
 protected:
  Supervised() : Supervised("10m") {}
  /// `before` and `after`: shell text around the command that runs the controller.
  explicit Supervised(const std::string& away, const std::string& before = "trap '' XFSZ",
                      const std::string& after = "") {
    write_matrix({1, 2});
    write("profile.yaml", "gpus: ignore\nauth: key\ntimeouts: { kill-grace: 500ms, away: " + away + " }\n");
    // Point 1 ends by itself; point 2 waits until the test lets it end.
    write("waits.sh",
          std::string(kGoodBenchmark) +
              "echo $CONC >>starts\n[ $CONC = 1 ] && exit\nexec 3<>go\necho here >started\nread line <&3\n",
          true);
    // Open for writing as long as srun runs: the lifeline.
    srun_end_ = Fd(::open(path("life").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    serve_.emplace(
        directory_,
        std::vector<std::string>{
            "/bin/sh", "-c",
            before + "; " + (after.empty() ? "exec " : "") +
                SWEEP_BIN_DIR "/sweepctl serve --config matrix.yaml --profile profile.yaml --output out "
                              "--lifeline-fd 3 --ready-fd 4 3<life 4>ready " +
                after});
    lifeline_.reset();
    const auto line = next_line(ready_);
    words_ = split(line.value_or(""), ' ');
    if (words_.size() != 4) throw std::runtime_error("no ready line: " + serve_->err());
    words_[3].pop_back();  // the end of the line
  }

  /// Starts the agent as the plugin does.
  void begin_agent() {
    agent_.emplace(
        directory_, std::vector<std::string>{"sweep-agent", "--", "./waits.sh"},
        std::vector<std::string>{"SLURM_SWEEP_ENDPOINT=" + words_[1], "SLURM_SWEEP_SERVER_KEY=" + words_[2],
                                 "SLURM_SWEEP_CLIENT_SECRET=" + words_[3], "TMPDIR=" + path("")});
  }
  /// Starts the agent and waits until point 2 runs.
  void start_agent() {
    begin_agent();
    ASSERT_EQ(next_line(started_), "here\n") << agent_->err() << serve_->err();
  }
  /// Deletes the output directory, also if the controller writes a file of point 1 meanwhile.
  void delete_output() const {
    std::error_code code;
    do {
      std::filesystem::remove_all(path("out"), code);
    } while (code == std::errc::directory_not_empty);
    ASSERT_FALSE(code) << code.message();
  }
  void let_benchmark_end() { write("go", "go\n"); }

  ControlFile control() const {
    const auto control = read_control_file(path("out"));
    EXPECT_TRUE(control && *control) << serve_->err();
    return control && *control ? **control : ControlFile{};
  }
  /// Kills the controller, but not its supervisor.
  void kill_controller() {
    const auto pid = static_cast<pid_t>(control().pid);
    ASSERT_GT(pid, 1);
    ASSERT_NE(pid, serve_->pid());
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
  }
  bool complete() const { return nlohmann::json::parse(read("out/manifest.json")).at("complete"); }

  Fd started_ = make_fifo("started"), go_ = make_fifo("go"), lifeline_ = make_fifo("life"),
     ready_ = make_fifo("ready"), srun_end_;
  std::vector<std::string> words_;  // of the ready line: ready, endpoint, server key, client secret
  std::optional<Program> serve_, agent_;
};

}  // namespace sweep
