// What must hold for whatever wire::decode makes of a peer's bytes. For fuzz_frames and fuzz_messages.
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

/// PROTOCOL.md's limits, in the words of a body: short names, texts, counts that a sum of two does not
/// overflow.
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
    require(value.is_boolean(), "a field is a text, a number, a flag or made of them", key);
  }
}

/// No field that the codec knows says anything else than the peer's did. `was`: the peer's body.
inline void check_kept(const json& was, const json& is) {
  require(was.is_object(), "a body is an object");
  for (const auto& [key, value] : is.items()) {
    require(was.contains(key), "a decoded field was there", key);
    if (key != "outcome") {
      require(packed(was[key]) == packed(value), "a decoded field says what it said", key);
      continue;
    }
    for (const auto& [inner, part] : value.items()) {  // its texts are made printable
      require(was[key].contains(inner) && (part.is_string() || packed(was[key][inner]) == packed(part)),
              "an outcome says what it said", inner);
      require(!part.is_string() || printable(part.get<std::string>()) == part, "an outcome is printable",
              inner);
    }
  }
}

/// `frames`: those that `envelope` was decoded from.
inline void check_decoded(const std::vector<std::string_view>& frames, const wire::Envelope& envelope) {
  require(frames.size() == 2 || frames.size() == 3, "a message is two or three frames");
  require(envelope.bulk == (frames.size() == 3 ? frames[2] : std::string_view()),
          "bulk arrives as it was sent");
  require(frames[1].size() <= wire::kMaxBodyBytes && envelope.bulk.size() <= wire::kMaxBulkBytes,
          "frames are within their limits");
  require(wire::nests_within(frames[1], wire::kMaxNesting), "what was taken nests as deep as it may");
  const json body = wire::write_body(envelope.message);
  if (!std::holds_alternative<wire::StatusReply>(envelope.message)) check_limits("", body);
  check_kept(json::from_msgpack(frames[1]), body);

  const std::vector<std::string> again = wire::encode(envelope.message, envelope.bulk);
  require(again.size() == frames.size(), "as many frames go out as came in");
  require(again[0].substr(0, 8) == frames[0].substr(0, 8) && again[0].substr(12) == frames[0].substr(12),
          "the header is the same but for the body's length");
  const auto twice = wire::decode(views(again));
  require(twice.has_value(), "what was decoded and encoded decodes", twice ? "" : twice.error().message);
  require(twice->bulk == envelope.bulk && wire::encode(twice->message, twice->bulk) == again,
          "and is the same again", wire::type_name(envelope.message));
}

inline void check_error(const wire::DecodeError& error) {
  require_message(Error{error.message});
}

}  // namespace sweep::fuzz
