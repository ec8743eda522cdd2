// A server that says what a test tells it to, byte by byte, in a thread of its own. It can hold answers back
// until enough requests have come.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "util/os/fd.hpp"

namespace sweep::client {

struct Said {
  std::string bytes;
  bool close = false;  // after them
};

class ScriptServer {
 public:
  /// What to say to the request that is the `number`-th, from 0. Called in the server's thread.
  using Script = std::function<Said(int number, const std::string& request)>;

  explicit ScriptServer(Script script, int hold_until = 0);
  ~ScriptServer();
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }
  int requests() const { return number_; }
  /// The most that were open and unanswered at once.
  int most_open() const { return most_open_; }
  std::vector<std::string> bodies() const;
  /// Returns when so many requests have come; false when patience ended before.
  bool await_requests(int count);

 private:
  struct Peer {
    Fd fd;
    std::string in, out, held;
    bool close = false, waits = false;
  };

  void serve();
  void take(Peer& peer);
  void answer(Peer& peer, const std::string& request);
  void release();

  Script script_;
  int hold_until_;
  Fd listener_, stop_read_, stop_write_;
  int port_ = 0;
  std::atomic<int> connections_{0}, number_{0}, most_open_{0};
  std::map<int, Peer> peers_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::string> bodies_;
  std::thread thread_;
};

/// One event of a stream of completions.
std::string token_event(const std::string& text = "x");
/// The event with the usage, and the end.
std::string usage_event(int prompt, int completion);
inline const std::string kDoneEvent = "data: [DONE]\n\n";

/// A whole answer of status 200 with these events, by chunks, connection kept.
std::string stream_answer(const std::string& events);

}  // namespace sweep::client
