// A response of the router that is not complete yet.
#pragma once

namespace sweep::sim_server {

class Pending {
 public:
  virtual ~Pending() = default;
  /// The client has disconnected.
  virtual void cancel() = 0;
};

}  // namespace sweep::sim_server
