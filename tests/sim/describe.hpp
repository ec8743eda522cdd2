// Descriptions of inputs and messages for the trace of a seed.
#pragma once

#include <string>

#include "agent/core/actions.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::sim {

std::string describe(const agent::Input& input);
std::string describe(const wire::Message& message);

}  // namespace sweep::sim
