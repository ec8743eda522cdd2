// Recognises a server's report of a failure, and returns its words. Pure; accepts untrusted bytes.
//
// Servers report failures in many forms: an object "error", the error object itself ({"object":"error"}), a
// text, FastAPI's "detail", an event called error, a finish_reason. Other servers have an empty "error" in
// each good chunk. Everything here but is_regular_end() parses JSON completely and is for rare events.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sweep::client {

/// Returns true if the value of a member "error" means that there is none: null, false, 0, "", {}, [], or a
/// container of such values.
bool means_no_error(std::string_view json);

/// Returns what a JSON value, or a text that is not JSON, says about an error: its message, followed by its
/// type and code in parentheses. Returns the text itself if it has no member that could be the message.
std::string error_words(std::string_view text);

/// Returns the words of a JSON text that contains no result; std::nullopt if it does not report an error.
std::optional<std::string> error_report(std::string_view json);

/// Returns true if a finish_reason means that the response ended as the request permits: "stop" and "length",
/// the others of OpenAI's API, and the names that other servers use for them. False for abort, error and
/// every reason that is not known.
bool is_regular_end(std::string_view finish_reason);

/// Returns true if an event of this name (the field `event`) reports a failure.
bool is_error_event(std::string_view name);

/// Returns true if an event of this name only keeps the connection open; its data need not be JSON.
bool is_keep_alive_event(std::string_view name);

}  // namespace sweep::client
