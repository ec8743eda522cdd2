// MessagePack's type bytes, from the format's specification (msgpack/spec.md).
#include "proto/wire/nesting.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sweep::wire {

namespace {

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    const auto value = static_cast<std::uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return value;
  }
  std::optional<std::uint64_t> big_endian(std::size_t width) {
    if (bytes_.size() < width) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i)
      value = (value << 8) | byte();
    return value;
  }
  bool skip(std::uint64_t count) {
    if (count > bytes_.size()) return false;
    bytes_.remove_prefix(count);
    return true;
  }

 private:
  std::string_view bytes_;
};

struct Item {
  std::uint64_t children = 0;  // values that belong to it
  bool container = false;
};

// A value with a length of `width` bytes in front, then that many bytes and `extra` more.
bool skip_sized(Cursor& in, std::size_t width, std::uint64_t extra) {
  const auto length = in.big_endian(width);
  return length && in.skip(*length + extra);
}

std::optional<Item> open_sized(Cursor& in, std::size_t width, std::uint64_t values_each) {
  const auto count = in.big_endian(width);
  if (!count) return std::nullopt;
  return Item{*count * values_each, true};
}

std::optional<Item> when(bool good) {
  return good ? std::optional(Item{}) : std::nullopt;
}

// clang-format off: a table
// Reads one type byte and what belongs to it but its children.
std::optional<Item> next(Cursor& in) {
  if (in.empty()) return std::nullopt;
  const std::uint8_t type = in.byte();
  if (type <= 0x7f || type >= 0xe0) return Item{};                        // small integers
  if (type <= 0x8f) return Item{std::uint64_t{2} * (type & 0x0f), true};  // small map
  if (type <= 0x9f) return Item{std::uint64_t{type} & 0x0f, true};        // small array
  if (type <= 0xbf) return when(in.skip(type & 0x1f));                    // short string
  switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return Item{};  // nil, false, true
    case 0xc4:
    case 0xd9:
      return when(skip_sized(in, 1, 0));  // bytes, string
    case 0xc5:
    case 0xda:
      return when(skip_sized(in, 2, 0));
    case 0xc6:
    case 0xdb:
      return when(skip_sized(in, 4, 0));
    case 0xc7:
      return when(skip_sized(in, 1, 1));  // extensions
    case 0xc8:
      return when(skip_sized(in, 2, 1));
    case 0xc9:
      return when(skip_sized(in, 4, 1));
    case 0xcc:
    case 0xd0:
      return when(in.skip(1));  // numbers
    case 0xcd:
    case 0xd1:
    case 0xd4:
      return when(in.skip(2));
    case 0xca:
    case 0xce:
    case 0xd2:
      return when(in.skip(4));
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return when(in.skip(8));
    case 0xd5:
      return when(in.skip(3));  // fixed extensions
    case 0xd6:
      return when(in.skip(5));
    case 0xd7:
      return when(in.skip(9));
    case 0xd8:
      return when(in.skip(17));
    case 0xdc:
      return open_sized(in, 2, 1);
    case 0xdd:
      return open_sized(in, 4, 1);
    case 0xde:
      return open_sized(in, 2, 2);
    case 0xdf:
      return open_sized(in, 4, 2);
    default:
      return std::nullopt;  // 0xc1 is never used
  }
}
// clang-format on

}  // namespace

bool nests_within(std::string_view bytes, std::size_t limit) {
  Cursor in(bytes);
  std::vector<std::uint64_t> open;  // values that each open container still waits for
  do {
    const auto item = next(in);
    if (!item) return false;
    if (!open.empty()) --open.back();
    if (item->container) {
      if (open.size() == limit) return false;
      open.push_back(item->children);
    }
    while (!open.empty() && open.back() == 0)
      open.pop_back();
  } while (!open.empty());
  return true;
}

}  // namespace sweep::wire
