// Writes a model with random weights as a GGUF file, so that a real inference engine (llama.cpp) can run where no model
// can be downloaded. Its output has no meaning; its speed is that of a real model of this shape.
//
// Rules: pure; the same shape gives the same bytes on every machine. The format is version 3 of GGUF, little-endian, with
// data aligned to 32 bytes. Matrices are float16; vectors are float32, as llama.cpp requires.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "util/error.hpp"

namespace sweep::bench {

/// Shape of a model of llama.cpp's architecture "llama".
struct ModelShape {
  std::uint32_t layers = 4;
  std::uint32_t embedding = 256;
  std::uint32_t heads = 8;
  std::uint32_t kv_heads = 4;
  std::uint32_t feed_forward = 768;
  std::uint32_t vocabulary = 32'000;  // tokens; sweep-bench's default ids end at 31,999
  std::uint32_t context = 32'768;     // tokens
  std::uint64_t seed = 0;             // of the weights
};

/// Tokens before the ordinary ones: unknown, begin, end, and one for each byte.
inline constexpr std::uint32_t kSpecialTokens = 3 + 256;

/// Returns an error that names the value and the remedy if no model can have this shape.
Expected<void> check_shape(const ModelShape& shape);

/// Passes the bytes of the file to `write`, in order. `shape` must have passed check_shape().
void write_gguf(const ModelShape& shape, const std::function<void(std::string_view)>& write);

}  // namespace sweep::bench
