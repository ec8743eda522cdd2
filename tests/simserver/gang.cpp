#include "tests/simserver/gang.hpp"

#include <csignal>

namespace sweep::sim_server {

namespace {

const std::string kListening = "listening on http://127.0.0.1:";
const std::string kWaiting = "waits for the others on ";

// Returns the rest of the line after `begin`; "" if there is no such line.
std::string after(const std::string& text, const std::string& begin) {
  const std::size_t at = text.find(begin);
  if (at == std::string::npos) return "";
  return text.substr(at + begin.size(), text.find('\n', at) - at - begin.size());
}

}  // namespace

Program& GangTest::start(std::vector<std::string> options, const std::vector<std::string>& environment) {
  options.insert(options.begin(), "sweep-simserver");
  programs_.push_back(std::make_unique<Program>(directory_.string(), options, environment));
  return *programs_.back();
}

Program& GangTest::start_http(std::vector<std::string> options, const std::string& until) {
  options.insert(options.end(), {"--port", "0"});
  Program& program = start(std::move(options));
  EXPECT_TRUE(program.wait_for_output("\n")) << program.err();
  EXPECT_TRUE(program.wait_for_error(until)) << program.err();
  return program;
}

Program& GangTest::start_first(std::vector<std::string> options, int nnodes) {
  options.insert(options.end(),
                 {"--nnodes", std::to_string(nnodes), "--node-rank", "0", "--dist-init-addr", "127.0.0.1:0"});
  return start_http(std::move(options), kWaiting + "127.0.0.1:");
}

Program& GangTest::start_other(const Program& first, std::vector<std::string> options, int rank, int nnodes) {
  options.insert(options.end(), {"--nnodes", std::to_string(nnodes), "--node-rank", std::to_string(rank),
                                 "--dist-init-addr", after(first.err(), kWaiting)});
  return start(std::move(options));
}

int GangTest::port_of(const Program& program) {
  const std::string port = after(program.out(), kListening);
  EXPECT_NE(port, "") << program.out();
  return port.empty() ? 0 : std::stoi(port);
}

std::string GangTest::url_of(const Program& program) {
  return "http://127.0.0.1:" + std::to_string(port_of(program));
}

std::string GangTest::request(const Program& program, const std::string& bytes) {
  Client client(port_of(program));
  client.send(bytes);
  return client.response();
}

Program& GangTest::start_bench(const Program& server, int requests) {
  programs_.push_back(
      std::make_unique<Program>(directory_.string(), std::vector<std::string>{"sweep-bench",
                                                                              "--model",
                                                                              "dsr1",
                                                                              "--backend",
                                                                              "openai",
                                                                              "--base-url",
                                                                              url_of(server),
                                                                              "--dataset-name",
                                                                              "random",
                                                                              "--random-input-len",
                                                                              "64",
                                                                              "--random-output-len",
                                                                              "16",
                                                                              "--num-prompts",
                                                                              std::to_string(requests),
                                                                              "--max-concurrency",
                                                                              "4",
                                                                              "--prompt-format",
                                                                              "ids",
                                                                              "--ignore-eos",
                                                                              "--random-range-ratio",
                                                                              "1",
                                                                              "--save-result",
                                                                              "--result-filename",
                                                                              "result.json"}));
  return *programs_.back();
}

void GangTest::end(std::initializer_list<Program*> programs) {
  for (Program* program : programs) {
    program->signal(SIGTERM);
    EXPECT_EQ(program->finish(), 0) << program->err();
  }
}

}  // namespace sweep::sim_server
