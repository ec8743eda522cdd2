// Runs sweep-bench with a scripted server, in an empty folder.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/scripted_server.hpp"
#include "tests/process/program.hpp"
#include "util/json.hpp"

namespace sweep::client {

inline const std::string kGood = stream_answer(token_event() + token_event() + usage_event(64, 7));

inline ScriptedResponse good(int, const std::string&) {
  return {kGood, false};
}

class BenchProgram : public ProcessTest {
 protected:
  std::vector<std::string> command_line(const ScriptedServer& server, std::vector<std::string> more) const {
    std::vector<std::string> all = {"sweep-bench",
                                    "--model",
                                    "m",
                                    "--base-url",
                                    server.url(),
                                    "--random-input-len",
                                    "64",
                                    "--random-output-len",
                                    "7",
                                    "--ignore-eos",
                                    "--save-result",
                                    "--result-dir",
                                    directory_.string(),
                                    "--result-filename",
                                    "r.json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  int run(const ScriptedServer& server, const std::vector<std::string>& more) {
    Program program(directory_.string(), command_line(server, more));
    const int status = program.finish();
    out_ = program.out();
    err_ = program.err();
    return status;
  }
  nlohmann::json result() const { return nlohmann::json::parse(read("r.json")); }
  std::string out_, err_;
};

}  // namespace sweep::client
