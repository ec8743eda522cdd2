// A raw HTTP client, so that the tests see the server's bytes as they are; and the server under test.
#pragma once

#include <string>
#include <vector>

#include "tests/process/program.hpp"
#include "util/os/fd.hpp"

namespace sweep::sim_server {

/// A blocking connection to 127.0.0.1. Every wait ends after patience.
class Client {
 public:
  explicit Client(int port);
  void send(const std::string& bytes) const;
  /// What has come until the server closed, patience ended, or what came since the last call ends with `end`.
  std::string read_until(const std::string& end);
  /// Until the server closes. `closed()`: it did.
  std::string read_all() { return read_until(""); }
  /// One whole response, by its length or its chunks, and nothing of the next one.
  std::string response();
  bool closed() const { return closed_; }
  /// With a reset instead of an orderly end.
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

/// How many times `part` is in `text`.
int times(const std::string& text, const std::string& part);

/// A test with servers, each on a port of its own.
class SimserverTest : public ProcessTest {
 protected:
  /// Starts sweep-simserver with a free port; it has been told where it listens when this returns.
  Program& serve(std::vector<std::string> options, const std::string& until = "Application startup complete");
  /// The port of the server started last.
  int port() const { return port_; }
  /// One request on a connection of its own.
  std::string ask(const std::string& request) const;

 private:
  std::vector<std::unique_ptr<Program>> programs_;
  int port_ = 0;
};

}  // namespace sweep::sim_server
