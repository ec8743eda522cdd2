// A server whose responses are scripted by a test, byte by byte, in its own thread. It can hold responses
// back until enough requests have arrived.
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

struct ScriptedResponse {
  std::string bytes;
  bool close = false;  // close the connection after these bytes
};

class ScriptedServer {
 public:
  /// Returns the response to request `number`, from 0. Called in the server's thread.
  using Script = std::function<ScriptedResponse(int number, const std::string& request)>;

  explicit ScriptedServer(Script script, int hold_until = 0);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }
  int requests() const { return number_; }
  /// The maximum number of requests that were unanswered at the same time.
  int max_unanswered() const { return max_unanswered_; }
  std::vector<std::string> bodies() const;
  /// Waits until `count` requests have arrived. Returns false on timeout.
  bool await_requests(int count);

 private:
  struct Peer {
    Fd fd;
    std::string in, out, held;
    bool close = false, unanswered = false;
  };

  void serve();
  void read_request(Peer& peer);
  void answer(Peer& peer, const std::string& request);
  void release();

  Script script_;
  int hold_until_;
  Fd listener_, stop_read_, stop_write_;
  int port_ = 0;
  std::atomic<int> connections_{0}, number_{0}, max_unanswered_{0};
  std::map<int, Peer> peers_;
  mutable std::mutex mutex_;
  std::condition_variable request_arrived_;
  std::vector<std::string> bodies_;
  std::thread thread_;
};

/// One token event of a streamed completion.
std::string token_event(const std::string& text = "x");
/// The usage event and [DONE].
std::string usage_event(int prompt, int completion);
inline const std::string kDoneEvent = "data: [DONE]\n\n";

/// A complete chunked response with status 200 and these events; the connection is kept.
std::string stream_answer(const std::string& events);

}  // namespace sweep::client
