// Converts messages to JSON objects and back. Used only by codec.cpp and tests.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::wire {

/// Returns the fields of the message as an object.
nlohmann::json write_body(const Message& message);

/// Returns the message of type number `type` (an index of Message) with the fields of `body`. Returns an
/// error that names the first field that is missing or wrong.
Expected<Message> read_body(std::size_t type, const nlohmann::json& body);

}  // namespace sweep::wire
