// libFuzzer target: arbitrary bytes as the frames of one message, decoded as both ends do (wire::decode).
//
// An input is a byte, then frames. The byte's lower three bits give the number of frames (0 to 4); each frame
// except for the last one is preceded by its length in two bytes. If the byte's highest bit is set, the
// lengths in the header are corrected first, so that a body with a changed length still passes the header
// check. Properties that are checked in addition to the sanitizers:
//
// - a decoded message respects the limits, contains what the bytes contain, and encodes to frames that decode
//   to the same message;
// - an error has the right fault code and a one-line printable message;
// - nests_within never considers a value less deep than the parser does.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/wire_property.hpp"

namespace sweep::fuzz {
namespace {

constexpr std::string_view kMagic = "SWEP";

std::vector<std::string> split_frames(std::string_view input) {
  if (input.empty()) return {};
  const auto first = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  std::vector<std::string> frames(std::size_t{first} % 8 % 5);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    std::size_t length = input.size();
    if (i + 1 < frames.size()) {
      if (input.size() < 2) break;
      length = static_cast<unsigned char>(input[0]) * 256u + static_cast<unsigned char>(input[1]);
      input.remove_prefix(2);
    }
    frames[i] = input.substr(0, length);
    input.remove_prefix(frames[i].size());
  }
  if ((first & 0x80) != 0 && frames.size() >= 2 && frames[0].size() == wire::kHeaderBytes) {
    const auto put = [&](std::size_t at, int width, std::uint64_t value) {
      for (int i = width - 1; i >= 0; --i, value >>= 8)
        frames[0][at + static_cast<std::size_t>(i)] = static_cast<char>(value & 0xff);
    };
    put(8, 4, frames[1].size());
    put(12, 8, frames.size() > 2 ? frames[2].size() : 0);
  }
  return frames;
}

void check_fault(const std::vector<std::string_view>& frames, const wire::DecodeError& error) {
  check_error(error);
  const bool ours =
      !frames.empty() && frames[0].size() == wire::kHeaderBytes && frames[0].starts_with(kMagic);
  const auto number = [&](std::size_t at) {
    return static_cast<unsigned char>(frames[0][at]) * 256u + static_cast<unsigned char>(frames[0][at + 1]);
  };
  const bool other_version = ours && number(4) != wire::kProtocolVersion;
  require((error.fault == wire::DecodeFault::WrongVersion) == other_version,
          "WrongVersion is reported if, and only if, the version differs", error.message);
  const bool other_type = ours && !other_version && number(6) >= std::variant_size_v<wire::Message>;
  require((error.fault == wire::DecodeFault::UnknownType) == other_type,
          "UnknownType is reported if, and only if, the type is unknown", error.message);
}

std::size_t depth_of(const json& value) {
  std::size_t depth = 0;
  if (value.is_structured()) {
    for (const json& inner : value)
      depth = std::max(depth, depth_of(inner));
    ++depth;
  }
  return depth;
}

void check_nesting(std::string_view bytes) {
  constexpr std::size_t kShort = 400;  // the parser recurses: not deeper than the sanitizers' stack permits
  if (bytes.size() > kShort) return;
  const json value = json::from_msgpack(bytes, false, false);
  if (value.is_discarded()) return;
  const std::size_t depth = depth_of(value);  // a repeated key may hide a deeper value
  require(wire::nests_within(bytes, kShort), "nests_within accepts what the parser accepts");
  require(depth == 0 || !wire::nests_within(bytes, depth - 1),
          "nests_within does not consider a value less deep than it is");
}

void check(std::string_view input) {
  const std::vector<std::string> frames = split_frames(input);
  const auto message = wire::decode(views(frames));
  if (message) {
    check_decoded(views(frames), *message);
  } else {
    check_fault(views(frames), message.error());
  }
  for (const std::string& frame : frames)
    check_nesting(frame);
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
