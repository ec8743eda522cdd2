// The rendezvous of the processes of one worker (--nnodes, --node-rank, --dist-init-addr): which of them have
// joined and loaded, which must be refused, and the messages that they exchange. Pure.
//
// Rank 0 listens; the others connect and stay connected. Every message is one line of JSON:
//
//   rank N to rank 0   {"rank": 1, "options": {"--tp": "8", ...}}   first line
//                      {"loaded": true}                              its weights are loaded
//   rank 0 to rank N   {"load": true}                                all ranks have joined
//                      {"end": REASON, "failed": true or false}      rank 0 ends
//
// All ranks must have the same options. Rank 0 compares them and names the first one that differs.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::sim_server {

/// Values of the options that must be equal in all ranks, by name. "" stands for an option without a value
/// that was not given.
using SharedOptions = std::map<std::string, std::string>;

struct Hello {
  std::uint32_t rank = 0;
  SharedOptions options;
};

/// Return the messages as lines with their line feed.
std::string hello_line(const Hello& hello);
std::string loaded_line();
std::string load_line();
std::string end_line(std::string_view reason, bool failed);

/// Parses the first line of a peer. Fails if the peer is not a rank of sweep-simserver.
Expected<Hello> read_hello(std::string_view line);
bool is_loaded_line(std::string_view line);

/// A message of rank 0.
struct Order {
  bool load = false;               ///< all ranks have joined
  std::optional<std::string> end;  ///< rank 0 ends for this reason
  bool failed = false;             ///< the end is a failure
};
/// Returns std::nullopt if the line is not a message of rank 0.
std::optional<Order> read_order(std::string_view line);

/// What rank 0 knows about the others.
class Rendezvous {
 public:
  Rendezvous(std::uint32_t nnodes, SharedOptions options) : nnodes_(nnodes), options_(std::move(options)) {}

  /// Accepts a rank. `from`: its address, for messages. Fails if its options differ or the rank is there
  /// already; the message names both values and is meant for both sides.
  Expected<void> join(const Hello& hello, const std::string& from);
  /// Records that a rank has loaded its weights; rank 0 too.
  void loaded(std::uint32_t rank) { loaded_.insert(rank); }

  bool all_joined() const { return joined_.size() + 1 == nnodes_; }
  bool all_loaded() const { return all_joined() && loaded_.size() == nnodes_; }

  /// Returns the message for the end of a rank's connection: "rank 1 (127.0.0.1:4711) is lost: ...".
  std::string lost(std::uint32_t rank) const;
  /// Returns the message for ranks that have not joined within `seconds`.
  std::string timed_out(double seconds, const std::string& address) const;

 private:
  std::uint32_t nnodes_;
  SharedOptions options_;
  std::map<std::uint32_t, std::string> joined_;  // address by rank; without rank 0
  std::set<std::uint32_t> loaded_;
};

/// Returns "600" or "0.5": seconds without trailing zeros.
std::string seconds_text(double seconds);

}  // namespace sweep::sim_server
