// What sweep-simserver was told to do, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "benchmarks/sweep-simserver/core/engine.hpp"
#include "benchmarks/sweep-simserver/core/faults.hpp"

namespace sweep::sim_server {

enum class Pace {
  Model,  ///< the engine's
  Zero,   ///< as fast as the client reads
  Fixed,  ///< the same for every request
};

struct Settings {
  std::string model;  ///< as it is served
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;  ///< 0: any

  Deployment setup;
  Limits limits;

  Pace pace = Pace::Model;
  Time fixed_ttft{}, fixed_itl{};
  double time_scale = 1.0;     ///< virtual seconds in a real one
  double startup_seconds = 0;  ///< virtual
  bool stamps = false;
  std::uint64_t seed = 0;
  FaultPlan faults;
};

}  // namespace sweep::sim_server
