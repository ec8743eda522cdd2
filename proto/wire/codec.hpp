// Messages to frames and back. Pure: bytes in, values out; whatever the bytes are, it returns.
//
// Frame 1, 20 bytes, is the same in every protocol version, so that two versions can at least tell each
// other so: magic "SWEP", u16 version, u16 message type, u32 bytes in frame 2, u64 bytes in frame 3 (all
// big-endian). Frame 2: the message's fields as one MessagePack map. Frame 3: bulk bytes, absent when 0.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::wire {

inline constexpr std::uint16_t kProtocolVersion = 5;
inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxBulkBytes = std::size_t{64} << 20;  // a result with per-request details
inline constexpr std::size_t kMaxNesting = 32;

struct Envelope {
  Message message;
  std::string bulk;  // result file or log chunk; else empty
};

/// The frames to send, two or three.
std::vector<std::string> encode(const Message& message, std::string_view bulk = {});

enum class DecodeFault {
  Malformed,     // not ours, truncated, too long, wrong types
  WrongVersion,  // ours, but of another protocol version: the message says which side to upgrade
  UnknownType,   // ours, but a type that this version does not know
};

struct DecodeError {
  DecodeFault fault;
  std::string message;
};

/// The message in `frames`. Unknown fields are ignored; everything else must be as encode writes it.
tl::expected<Envelope, DecodeError> decode(const std::vector<std::string_view>& frames);

/// The name of the message's type, for logs: "Hello".
std::string_view type_name(const Message& message);

}  // namespace sweep::wire
