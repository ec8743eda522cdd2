// A fixture that starts the processes of a gang: workers of one or more processes, and their router.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simserver/client.hpp"

namespace sweep::sim_server {

class GangTest : public ProcessTest {
 protected:
  /// Starts sweep-simserver with these options.
  Program& start(std::vector<std::string> options, const std::vector<std::string>& environment = {});
  /// Starts a process with HTTP on a free port. Returns when it has printed `until`.
  Program& start_http(std::vector<std::string> options,
                      const std::string& until = "Application startup complete");
  /// Starts rank 0 of a worker of `nnodes` processes. Returns when it waits for the others.
  Program& start_first(std::vector<std::string> options, int nnodes = 2);
  /// Starts another rank of the worker.
  Program& start_other(const Program& first, std::vector<std::string> options, int rank = 1, int nnodes = 2);

  /// Returns the port of HTTP, after the process has printed it.
  static int port_of(const Program& program);
  static std::string url_of(const Program& program);
  /// Sends a request on a new connection and returns the response.
  static std::string request(const Program& program, const std::string& bytes);

  /// Starts sweep-bench with `requests` requests of 16 output tokens each; its result is in result.json.
  Program& start_bench(const Program& server, int requests);

  /// Ends running processes, one after the other. Each must end with status 0.
  static void end(std::initializer_list<Program*> programs);

 private:
  std::vector<std::unique_ptr<Program>> programs_;
};

}  // namespace sweep::sim_server
