// Passes the events of a worker's stream to a client, only whole ones, so that an error event can follow if the
// worker is lost in the middle of an event. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sweep::sim_server {

class StreamRelay {
 public:
  /// `chunked`: write to the client with chunked encoding.
  explicit StreamRelay(bool chunked) : chunked_(chunked) {}

  /// Appends to `out` the events that are complete with these bytes of the worker's body.
  void add(std::string& out, std::string_view bytes);
  /// Appends the remaining bytes and the end of the body.
  void finish(std::string& out);
  /// Appends an error event instead of an incomplete one, and the end of the body.
  void fail(std::string& out, const std::string& message);

 private:
  void put(std::string& out, std::string_view bytes) const;

  bool chunked_;
  std::string incomplete_;
};

}  // namespace sweep::sim_server
