// A raw HTTP client, with which the tests see the server's bytes unchanged; and a fixture that starts
// servers.
#pragma once

#include <string>
#include <vector>

#include "tests/process/program.hpp"
#include "util/os/fd.hpp"

namespace sweep::sim_server {

/// A blocking connection to 127.0.0.1. Every wait has a time limit.
class Client {
 public:
  explicit Client(int port);
  void send(const std::string& bytes) const;
  /// Returns the bytes received since the last call, up to when they end with `end`, the server closes the
  /// connection, or the time limit is reached.
  std::string read_until(const std::string& end);
  /// Reads until the server closes the connection; closed() is then true.
  std::string read_all() { return read_until(""); }
  /// Returns one whole response, delimited by its length or chunks, and nothing of the next one.
  std::string response();
  bool closed() const { return closed_; }
  /// Closes the connection with a reset.
  void reset();

 private:
  bool more();
  Fd fd_;
  std::string in_;
  bool closed_ = false;
};

/// "POST PATH" with a JSON body.
std::string post(const std::string& path, const std::string& body);
std::string get(const std::string& path);

/// A streamed completion of `tokens` tokens.
std::string stream_of(int tokens);

/// Returns how many times `part` occurs in `text`.
int occurrences(const std::string& text, const std::string& part);

/// A test that starts servers, each on its own port.
class SimserverTest : public ProcessTest {
 protected:
  /// Starts sweep-simserver on a free port. Returns when it has printed its address and `until`.
  Program& start_server(std::vector<std::string> options,
                        const std::string& until = "Application startup complete");
  /// The port of the most recently started server.
  int port() const { return port_; }
  /// Sends one request on a new connection and returns the response.
  std::string request(const std::string& bytes) const;

 private:
  std::vector<std::unique_ptr<Program>> programs_;
  int port_ = 0;
};

}  // namespace sweep::sim_server
