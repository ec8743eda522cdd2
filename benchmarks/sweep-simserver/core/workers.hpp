// The workers of a router: which are registered, which one gets the next request, and what /health and /workers
// return. Pure.
//
// A worker is registered when its /health has returned 200, until the connection on which it did ends. The
// router is ready while all workers are registered. Among the registered workers of a kind, requests are
// distributed round robin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "benchmarks/sweep-simserver/core/reply.hpp"
#include "util/error.hpp"

namespace sweep::sim_server {

/// What a router has to do for a request: pass it through a prefill and a decode worker, pass it to one worker
/// that generates, or pass it to all workers.
enum class RouterAction { Generate, Forward, Reset };

/// Regular: a whole server (--worker).
enum class WorkerKind { Prefill, Decode, Regular };

/// Returns "prefill", "decode" or "regular".
std::string_view name_of(WorkerKind kind);

struct WorkerAddress {
  std::string url;  ///< as given, without a final '/'
  std::string host;
  std::uint16_t port = 0;
};

/// Parses "http://HOST:PORT". Fails with the option, the value and the form.
Expected<WorkerAddress> read_worker_url(const std::string& option, std::string url);

struct Worker {
  WorkerKind kind = WorkerKind::Regular;
  WorkerAddress address;
  bool registered = false;
};

class Workers {
 public:
  explicit Workers(std::vector<Worker> workers) : workers_(std::move(workers)) {}

  std::size_t size() const { return workers_.size(); }
  const Worker& at(std::size_t index) const { return workers_.at(index); }
  /// Returns "decode worker http://10.0.0.1:8000", for messages.
  std::string label(std::size_t index) const;

  void set_registered(std::size_t index, bool registered) { workers_.at(index).registered = registered; }
  /// Removes the last worker, as --fault knows-one-worker-less does.
  void forget_last() { workers_.pop_back(); }
  bool all_registered() const;
  /// Returns true if there are prefill and decode workers instead of regular ones.
  bool disaggregated() const;

  /// Returns the index of the next registered worker of this kind; std::nullopt if none is registered.
  std::optional<std::size_t> choose(WorkerKind kind);
  /// Returns the first registered worker of this kind, without taking its turn in choose().
  std::optional<std::size_t> first(WorkerKind kind) const;

  /// Routes a request line to the router: returns a complete answer, or what has to be done.
  std::variant<Answer, RouterAction> route(std::string_view method, std::string_view target,
                                           bool ready) const;
  /// Returns the answer for a request that needs a worker of this kind if none is registered.
  static Answer none_registered(WorkerKind kind);
  /// The response of GET /health: 200 if the router is ready.
  Answer health(bool ready) const;
  /// The response of GET /workers, in the form of sglang's router; lists only registered workers.
  Answer list() const;

 private:
  std::size_t count(WorkerKind kind) const;

  std::vector<Worker> workers_;
  std::size_t next_[3] = {};  // position from which choose() searches, by kind
};

}  // namespace sweep::sim_server
