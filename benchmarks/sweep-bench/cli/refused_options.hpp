// Options of vLLM's benchmark_serving, and of InferenceMAX's copy of it, that sweep-bench does not have.
#pragma once

#include <span>
#include <string_view>

namespace sweep::client {

struct RefusedOption {
  std::string_view name;    // "--dataset-path"
  std::string_view reason;  // why, and what to give instead
};

/// Returns all of them. They are refused, because a run that ignores them would measure something else.
std::span<const RefusedOption> refused_options();

}  // namespace sweep::client
