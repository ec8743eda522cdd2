// Converts events to JSON and back, as the journal stores them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "controller/core/events.hpp"
#include "util/error.hpp"

namespace sweep::core {

/// Returns the name of an event's kind in the journal, for example "leased".
std::string_view event_word(const EventBody& what);
nlohmann::json event_to_json(const EventBody& what);
/// Fails, naming the field, if event_to_json() could not have written the body.
Expected<EventBody> event_from_json(std::string_view word, const nlohmann::json& body);

}  // namespace sweep::core
