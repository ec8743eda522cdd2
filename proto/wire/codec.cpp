#include "proto/wire/codec.hpp"

#include <array>
#include <cassert>

#include "proto/wire/bodies.hpp"
#include "proto/wire/msgpack.hpp"
#include "util/json.hpp"

namespace sweep::wire {

namespace {

constexpr std::string_view kMagic = "SWEP";
constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames = {
    "Hello",         "Ready",       "Started",     "Progress",  "LogChunk", "Finished", "Heartbeat",
    "Goodbye",       "Welcome",     "Reject",      "Lease",     "Settled",  "Cancel",   "Drain",
    "StatusRequest", "StatusReply", "StopRequest", "LogCredit", "Fetch",    "Piece"};

void put(std::string& out, std::uint64_t value, int width) {
  for (int i = width - 1; i >= 0; --i)
    out += static_cast<char>((value >> (8 * i)) & 0xff);
}

std::uint64_t get(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i)
    value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

tl::unexpected<DecodeError> reject(DecodeFault fault, std::string message) {
  return tl::unexpected(DecodeError{fault, std::move(message)});
}

std::string version_advice(std::uint16_t theirs) {
  return "protocol version " + std::to_string(theirs) + " met version " + std::to_string(kProtocolVersion) +
         "; upgrade the side with the lower one";
}

bool may_have_bulk(const Message& message) {
  return std::holds_alternative<LogChunk>(message) || std::holds_alternative<Finished>(message) ||
         std::holds_alternative<Piece>(message);
}

// Returns true if the frames have the lengths that the header announces, and none is longer than allowed.
bool sizes_agree(const std::vector<std::string_view>& frames) {
  const std::uint64_t body = get(frames[0], 8, 4);
  const std::uint64_t bulk = get(frames[0], 12, 8);
  if (body > kMaxBodyBytes || bulk > kMaxBulkBytes) return false;
  if (frames.size() != (bulk > 0 ? 3u : 2u)) return false;
  return frames[1].size() == body && (bulk == 0 || frames[2].size() == bulk);
}

}  // namespace

std::string_view type_name(const Message& message) {
  return kNames[message.index()];
}

std::vector<std::string> encode(const Message& message, std::string_view bulk) {
  assert(bulk.size() <= kMaxBulkBytes);
  assert(bulk.empty() || may_have_bulk(message));
  std::string body;
  nlohmann::json::to_msgpack(write_body(message), nlohmann::detail::output_adapter<char>(body));
  std::string header(kMagic);
  put(header, kProtocolVersion, 2);
  put(header, message.index(), 2);
  put(header, body.size(), 4);
  put(header, bulk.size(), 8);
  std::vector<std::string> frames = {std::move(header), std::move(body)};
  if (!bulk.empty()) frames.emplace_back(bulk);
  return frames;
}

tl::expected<Envelope, DecodeError> decode(const std::vector<std::string_view>& frames) {
  if (frames.empty() || frames[0].size() != kHeaderBytes || frames[0].substr(0, kMagic.size()) != kMagic) {
    return reject(DecodeFault::Malformed, "not a slurm-sweep message");
  }
  const auto version = static_cast<std::uint16_t>(get(frames[0], 4, 2));
  if (version != kProtocolVersion) return reject(DecodeFault::WrongVersion, version_advice(version));
  const std::uint64_t type = get(frames[0], 6, 2);
  if (type >= std::variant_size_v<Message>) {
    return reject(DecodeFault::UnknownType, "unknown message type " + std::to_string(type));
  }
  if (frames.size() < 2 || !sizes_agree(frames)) {
    return reject(DecodeFault::Malformed,
                  std::string(kNames[type]) + ": the frames are not as long as announced");
  }
  const auto body = parse_msgpack(frames[1], kMaxNesting);
  if (body.is_discarded()) {
    return reject(DecodeFault::Malformed,
                  std::string(kNames[type]) + ": not MessagePack, or nested too deep");
  }
  auto message = read_body(type, body);
  if (!message) {
    return reject(DecodeFault::Malformed, std::string(kNames[type]) + ": " + message.error().message);
  }
  if (frames.size() > 2 && !may_have_bulk(*message)) {
    return reject(DecodeFault::Malformed, std::string(kNames[type]) + ": carries no bulk");
  }
  return Envelope{std::move(*message), frames.size() > 2 ? std::string(frames[2]) : std::string()};
}

}  // namespace sweep::wire
