// Properties of whatever wire::decode makes of a peer's bytes. For fuzz_frames and fuzz_messages.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/bodies.hpp"
#include "proto/wire/codec.hpp"
#include "proto/wire/msgpack.hpp"
#include "tests/fuzz/property.hpp"
#include "util/json.hpp"

namespace sweep::fuzz {

using nlohmann::json;

inline std::string packed(const json& value) {
  std::string out;
  json::to_msgpack(value, nlohmann::detail::output_adapter<char>(out));
  return out;
}

inline std::vector<std::string_view> views(const std::vector<std::string>& frames) {
  return {frames.begin(), frames.end()};
}

/// Checks the limits in PROTOCOL.md: short names, texts, and counts whose sum does not overflow.
inline void check_limits(const std::string& key, const json& value) {
  constexpr std::array<std::string_view, 9> kNames = {"agent", "node",  "job", "step", "version",
                                                      "point", "phase", "of",  "sweep"};
  constexpr std::size_t kName = 256, kText = 64 * 1024, kItems = 4096;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 2;
  if (value.is_string()) {
    const bool name = std::find(kNames.begin(), kNames.end(), key) != kNames.end();
    require(value.get_ref<const std::string&>().size() <= (name ? kName : kText),
            "a text is within its limit", key);
  } else if (value.is_number()) {
    require(value.is_number_integer() && value >= 0 && value <= kMost, "a number is within its limits", key);
  } else if (value.is_structured()) {
    require(value.size() <= kItems, "a list is within its limit", key);
    for (const auto& [inner, item] : value.items())
      check_limits(value.is_object() ? inner : key, item);
  } else {
    require(value.is_boolean(), "a field is a text, a number, a flag, or a list or map of these", key);
  }
}

/// Checks that decoding did not change any field that the codec knows. `was`: the peer's body.
inline void check_kept(const json& was, const json& is) {
  require(was.is_object(), "a body is an object");
  for (const auto& [key, value] : is.items()) {
    require(was.contains(key), "a decoded field was present in the peer's body", key);
    if (key != "outcome") {
      require(packed(was[key]) == packed(value), "a decoded field is unchanged", key);
      continue;
    }
    for (const auto& [inner, part] : value.items()) {  // its texts are made printable
      require(was[key].contains(inner) && (part.is_string() || packed(was[key][inner]) == packed(part)),
              "a field of an outcome is unchanged", inner);
      require(!part.is_string() || printable(part.get<std::string>()) == part, "an outcome is printable",
              inner);
    }
  }
}

/// `frames`: the frames from which `envelope` was decoded.
inline void check_decoded(const std::vector<std::string_view>& frames, const wire::Envelope& envelope) {
  require(frames.size() == 2 || frames.size() == 3, "a message is two or three frames");
  require(envelope.bulk == (frames.size() == 3 ? frames[2] : std::string_view()), "bulk is unchanged");
  require(frames[1].size() <= wire::kMaxBodyBytes && envelope.bulk.size() <= wire::kMaxBulkBytes,
          "frames are within their limits");
  require(wire::nests_within(frames[1], wire::kMaxNesting), "a decoded body respects the nesting limit");
  const json body = wire::write_body(envelope.message);
  if (!std::holds_alternative<wire::StatusReply>(envelope.message)) check_limits("", body);
  check_kept(json::from_msgpack(frames[1]), body);

  const std::vector<std::string> again = wire::encode(envelope.message, envelope.bulk);
  require(again.size() == frames.size(), "encoding gives as many frames as were decoded");
  require(again[0].substr(0, 8) == frames[0].substr(0, 8) && again[0].substr(12) == frames[0].substr(12),
          "the header is the same except for the body's length");
  const auto twice = wire::decode(views(again));
  require(twice.has_value(), "a decoded and encoded message can be decoded",
          twice ? "" : twice.error().message);
  require(twice->bulk == envelope.bulk && wire::encode(twice->message, twice->bulk) == again,
          "decoding and encoding again changes nothing", wire::type_name(envelope.message));
}

inline void check_error(const wire::DecodeError& error) {
  require_message(Error{error.message});
}

}  // namespace sweep::fuzz
