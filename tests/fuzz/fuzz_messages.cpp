// libFuzzer target: each message of the protocol with arbitrary fields.
//
// An input is a byte, then a MessagePack map. The byte's lower five bits are the message's type. If its
// highest bit is set, the map is the whole body; otherwise the map's fields replace those of a valid message,
// so that one wrong field is combined with correct ones. 0x40: the message has bulk. Properties that are
// checked in addition to the sanitizers:
//
// - decode accepts exactly what read_body accepts;
// - an accepted message respects the limits, contains what the bytes contain, and encodes to frames that
//   decode to the same message;
// - an error has a one-line printable message;
// - an unknown field changes nothing.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/wire_property.hpp"
#include "tests/unit/wire_samples.hpp"

namespace sweep::fuzz {
namespace {

constexpr std::size_t kTypes = std::variant_size_v<wire::Message>;
constexpr unsigned kWhole = 0x80, kBulk = 0x40, kType = 0x1f;

const wire::Sample& sample(std::size_t type) {
  static const std::vector<wire::Sample> kAll = wire::samples();
  require(kAll.size() == kTypes && kAll[type].message.index() == type, "there is a sample of each message");
  return kAll[type];
}

/// Returns the body of the message. Fields are merged only if decode accepts the map's nesting.
std::string body_of(std::size_t type, std::string_view bytes, bool whole) {
  if (whole) return std::string(bytes);
  json body = sample(type).body;
  if (wire::nests_within(bytes, wire::kMaxNesting)) {
    const json fields = json::from_msgpack(bytes, false, false);
    if (fields.is_object()) body.update(fields);
  }
  return packed(body);
}

void check_unknown_field(std::size_t type, const wire::Envelope& envelope) {
  json body = wire::write_body(envelope.message);
  body["a field of a later version"] = json::array({1, nullptr});
  const auto again = wire::decode(views(wire::frames_of(type, body, envelope.bulk)));
  require(again && wire::encode(again->message, again->bulk) == wire::encode(envelope.message, envelope.bulk),
          "an unknown field changes nothing", wire::type_name(envelope.message));
}

void check(std::string_view input) {
  if (input.empty()) return;
  const auto first = static_cast<unsigned char>(input[0]);
  const std::size_t type = (first & kType) % kTypes;
  const std::string body = body_of(type, input.substr(1), (first & kWhole) != 0);
  const std::string bulk = (first & kBulk) != 0 ? "bulk" : "";
  const std::vector<std::string> frames = wire::frames_of_bytes(type, body, bulk);
  const auto decoded = wire::decode(views(frames));
  if (!decoded) check_error(decoded.error());
  if (wire::nests_within(body, wire::kMaxNesting)) {
    const json fields = json::from_msgpack(body, true, false);
    const bool accepted = !fields.is_discarded() && wire::read_body(type, fields);
    const bool has_unexpected_bulk = !bulk.empty() && sample(type).bulk.empty();
    require(decoded.has_value() == (accepted && !has_unexpected_bulk),
            "decode accepts what read_body accepts", sample(type).name);
  }
  if (!decoded) return;
  require(decoded->message.index() == type, "a decoded message has the type of its header");
  check_decoded(views(frames), *decoded);
  check_unknown_field(type, *decoded);
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
