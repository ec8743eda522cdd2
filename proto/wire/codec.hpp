// Encodes messages as frames and decodes them. Pure. decode() returns for any bytes; it never throws or
// crashes.
//
// Frame 1 has 20 bytes and is the same in every protocol version, so that a receiver can detect another
// version: magic "SWEP", u16 version, u16 message type, u32 length of frame 2, u64 length of frame 3, all
// big-endian. Frame 2 has the message's fields as one MessagePack map. Frame 3 has the bulk bytes; it is
// absent if there are none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/error.hpp"

namespace sweep::wire {

inline constexpr std::uint16_t kProtocolVersion = 8;
inline constexpr std::size_t kHeaderBytes = 20;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxBulkBytes = std::size_t{64} << 20;  // a result with per-request details
inline constexpr std::size_t kMaxNesting = 32;

struct Envelope {
  Message message;
  std::string bulk;  // a result file, a log chunk or a piece of a file; otherwise empty
};

/// Returns the two or three frames of a message. Only LogChunk, Finished and Piece may have bulk.
std::vector<std::string> encode(const Message& message, std::string_view bulk = {});

enum class DecodeFault {
  Malformed,     // not a slurm-sweep message, truncated, too long, wrong types
  WrongVersion,  // another protocol version; the text says which side to upgrade
  UnknownType,   // a message type that this version does not have
};

struct DecodeError {
  DecodeFault fault;
  std::string message;
};

/// Returns the message in `frames`. Unknown fields are ignored; everything else must be as encode() writes
/// it.
tl::expected<Envelope, DecodeError> decode(const std::vector<std::string_view>& frames);

/// Returns the name of the message's type for logs: "Hello".
std::string_view type_name(const Message& message);

}  // namespace sweep::wire
