// The environment of process-agentic: what the job says about its point. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::agentic {

/// Returns the value of an environment variable; std::nullopt if it is not set.
using Variables = std::function<std::optional<std::string>(const char* name)>;

/// The part of the result that follows from the environment.
struct Point {
  nlohmann::ordered_json head;        // the keys before num_requests_total
  nlohmann::ordered_json shape;       // pp, dcp_size, pcp_size; with several nodes the fields of both workers
  nlohmann::ordered_json components;  // router and kv_p2p_transfer, as far as they are set
  std::string framework;
  std::int64_t gpus = 0;
};

/// Reads the environment. The message of an error names the variable.
Expected<Point> read_point(const Variables& variables);

}  // namespace sweep::agentic
