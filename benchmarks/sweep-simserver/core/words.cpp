#include "benchmarks/sweep-simserver/core/words.hpp"

namespace sweep::sim_server {

namespace {

constexpr std::size_t kWords = 64;

constexpr std::string_view kText =
    "acid army atom bank barn bell bird blue boat bone book cake calm card cave city clay coal coin cold "
    "cook corn crab dawn deer desk door dusk echo edge farm fern fire fish flag fork frog gate goat gold "
    "hill iron jazz kite lake lamp leaf lion milk moon nest oven palm park pine rain ring road rock salt "
    "ship snow star wind ";
static_assert(kText.size() == kWords * kWordBytes);

}  // namespace

std::string_view word(std::uint64_t text_seed, std::size_t choice, std::uint32_t index) {
  // With an odd stride, all words are used before one is repeated.
  const std::uint64_t at = (text_seed + choice + index * ((text_seed >> 32) | 1)) % kWords;
  return kText.substr(at * kWordBytes, kWordBytes);
}

}  // namespace sweep::sim_server
