// The fields of each message as a JSON object, and back. Used by codec.cpp alone.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::wire {

nlohmann::json write_body(const Message& message);

/// The message of type number `type` (its index in Message) with the fields of `body`; fails naming the first
/// field that is missing or wrong. `type` must be one of Message's.
Expected<Message> read_body(std::size_t type, const nlohmann::json& body);

}  // namespace sweep::wire
