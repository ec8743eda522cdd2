// The simulated text: every token is one of 64 short English words. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sweep::sim_server {

/// Length of every word: four letters and a blank.
inline constexpr std::size_t kWordBytes = 5;

/// Returns the text of token `index` of choice `choice`. `text_seed` selects the text of a request.
std::string_view word(std::uint64_t text_seed, std::size_t choice, std::uint32_t index);

}  // namespace sweep::sim_server
