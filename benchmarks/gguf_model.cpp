#include "benchmarks/gguf_model.hpp"

#include <bit>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace sweep::bench {
namespace {

constexpr std::uint64_t kAlignment = 32;  // bytes; GGUF's default

// --- little-endian values ----------------------------------------------------------------------------------------

template <class T>
void put(std::string& out, T value) {
  for (std::size_t byte = 0; byte < sizeof(T); ++byte)
    out.push_back(static_cast<char>((value >> (8 * byte)) & 0xff));
}

void put_text(std::string& out, std::string_view text) {
  put<std::uint64_t>(out, text.size());
  out.append(text);
}

void put_float(std::string& out, float value) {
  put(out, std::bit_cast<std::uint32_t>(value));
}

// Returns `value` as float16, rounded towards zero. The absolute value must be below 65504; values below 2^-14 become 0.
std::uint16_t half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  const int exponent = static_cast<int>((bits >> 23) & 0xff) - 127 + 15;
  if (exponent <= 0) return sign;
  return static_cast<std::uint16_t>(sign | (exponent << 10) | ((bits >> 13) & 0x3ff));
}

// --- metadata ----------------------------------------------------------------------------------------------------

enum class ValueType : std::uint32_t { Uint32 = 4, Int32 = 5, Float32 = 6, Bool = 7, String = 8, Array = 9 };

/// Collects the keys and values of the header.
struct Metadata {
  std::string bytes;
  std::uint64_t count = 0;

  void key(std::string_view name, ValueType type) {
    put_text(bytes, name);
    put(bytes, static_cast<std::uint32_t>(type));
    ++count;
  }
  void text(std::string_view name, std::string_view value) {
    key(name, ValueType::String);
    put_text(bytes, value);
  }
  void number(std::string_view name, std::uint32_t value) {
    key(name, ValueType::Uint32);
    put(bytes, value);
  }
  void real(std::string_view name, float value) {
    key(name, ValueType::Float32);
    put_float(bytes, value);
  }
  void flag(std::string_view name, bool value) {
    key(name, ValueType::Bool);
    bytes.push_back(value ? 1 : 0);
  }
  void array(std::string_view name, ValueType type, std::uint64_t size) {
    key(name, ValueType::Array);
    put(bytes, static_cast<std::uint32_t>(type));
    put(bytes, size);
  }
};

enum TokenType : std::uint32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

TokenType type_of(std::uint32_t token) {
  if (token == 0) return kUnknown;
  if (token < 3) return kControl;
  return token < kSpecialTokens ? kByte : kNormal;
}

// Returns the text of a token: "<unk>", "<s>", "</s>", "<0x00>" to "<0xFF>", then a different word for each token, which
// begins with the mark that stands for a blank.
std::string text_of(std::uint32_t token) {
  static constexpr const char* kNames[] = {"<unk>", "<s>", "</s>"};
  if (token < 3) return kNames[token];
  if (token < kSpecialTokens) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", token - 3);
    return text;
  }
  static constexpr std::string_view kConsonants = "bdfghklmnprstvwz", kVowels = "aeiou";
  std::string text;
  for (std::uint32_t rest = token - kSpecialTokens; rest > 0 || text.empty(); rest /= 80)
    text = std::string{kConsonants[rest % 80 / 5], kVowels[rest % 5]} + text;
  return "\u2581" + text;
}

void add_tokenizer(Metadata& out, std::uint32_t vocabulary) {
  out.text("tokenizer.ggml.model", "llama");
  out.array("tokenizer.ggml.tokens", ValueType::String, vocabulary);
  for (std::uint32_t token = 0; token < vocabulary; ++token)
    put_text(out.bytes, text_of(token));
  out.array("tokenizer.ggml.scores", ValueType::Float32, vocabulary);
  for (std::uint32_t token = 0; token < vocabulary; ++token)
    put_float(out.bytes, token < kSpecialTokens ? 0.0F : -static_cast<float>(token - kSpecialTokens));
  out.array("tokenizer.ggml.token_type", ValueType::Int32, vocabulary);
  for (std::uint32_t token = 0; token < vocabulary; ++token)
    put(out.bytes, static_cast<std::uint32_t>(type_of(token)));
  out.number("tokenizer.ggml.unknown_token_id", 0);
  out.number("tokenizer.ggml.bos_token_id", 1);
  out.number("tokenizer.ggml.eos_token_id", 2);
  out.flag("tokenizer.ggml.add_bos_token", true);
}

Metadata metadata(const ModelShape& shape) {
  Metadata out;
  out.text("general.architecture", "llama");
  out.text("general.name", "random weights, seed " + std::to_string(shape.seed));
  out.number("general.file_type", 1);  // mostly float16
  out.number("general.alignment", kAlignment);
  out.number("llama.context_length", shape.context);
  out.number("llama.embedding_length", shape.embedding);
  out.number("llama.block_count", shape.layers);
  out.number("llama.feed_forward_length", shape.feed_forward);
  out.number("llama.attention.head_count", shape.heads);
  out.number("llama.attention.head_count_kv", shape.kv_heads);
  out.number("llama.rope.dimension_count", shape.embedding / shape.heads);
  out.number("llama.vocab_size", shape.vocabulary);
  out.real("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  add_tokenizer(out, shape.vocabulary);
  return out;
}

// --- tensors -----------------------------------------------------------------------------------------------------

enum TensorType : std::uint32_t { kFloat32 = 0, kFloat16 = 1 };

struct Tensor {
  std::string name;
  std::uint64_t columns;   // the dimension that is contiguous in the file
  std::uint64_t rows = 0;  // 0: a vector

  TensorType type() const { return rows == 0 ? kFloat32 : kFloat16; }
  std::uint64_t bytes() const { return rows == 0 ? columns * 4 : columns * rows * 2; }
};

std::vector<Tensor> tensors(const ModelShape& shape) {
  const std::uint64_t width = shape.embedding, kv_width = width / shape.heads * shape.kv_heads;
  std::vector<Tensor> out = {{"token_embd.weight", width, shape.vocabulary}};
  for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    for (Tensor tensor :
         {Tensor{"attn_norm", width}, Tensor{"attn_q", width, width}, Tensor{"attn_k", width, kv_width},
          Tensor{"attn_v", width, kv_width}, Tensor{"attn_output", width, width}, Tensor{"ffn_norm", width},
          Tensor{"ffn_gate", width, shape.feed_forward}, Tensor{"ffn_up", width, shape.feed_forward},
          Tensor{"ffn_down", shape.feed_forward, width}}) {
      tensor.name = block + tensor.name + ".weight";
      out.push_back(std::move(tensor));
    }
  }
  out.push_back({"output_norm.weight", width});
  out.push_back({"output.weight", width, shape.vocabulary});
  return out;
}

std::uint64_t padding(std::uint64_t size) {
  return (kAlignment - size % kAlignment) % kAlignment;
}

std::string header(const ModelShape& shape, const std::vector<Tensor>& all) {
  const Metadata keys = metadata(shape);
  std::string out = "GGUF";
  put<std::uint32_t>(out, 3);
  put<std::uint64_t>(out, all.size());
  put<std::uint64_t>(out, keys.count);
  out += keys.bytes;
  std::uint64_t offset = 0;
  for (const Tensor& tensor : all) {
    put_text(out, tensor.name);
    put<std::uint32_t>(out, tensor.rows == 0 ? 1 : 2);
    put(out, tensor.columns);
    if (tensor.rows != 0) put(out, tensor.rows);
    put(out, static_cast<std::uint32_t>(tensor.type()));
    put(out, offset);
    offset += tensor.bytes() + padding(tensor.bytes());
  }
  out.append(padding(out.size()), '\0');
  return out;
}

// Returns one row of a matrix: uniformly distributed weights whose variance keeps activations at the same size.
std::string random_row(std::uint64_t columns, std::mt19937_64& generator) {
  const float range = std::sqrt(3.0F / static_cast<float>(columns));
  std::string out;
  out.reserve(columns * 2);
  for (std::uint64_t column = 0; column < columns; ++column) {
    const float share = static_cast<float>(generator() >> 40) / 16'777'216.0F;  // 0 to 1, 24 bits
    put(out, half((2.0F * share - 1.0F) * range));
  }
  return out;
}

}  // namespace

Expected<void> check_shape(const ModelShape& shape) {
  struct Limit {
    const char* name;
    std::uint64_t value, low, high;
  };
  for (const Limit& limit :
       {Limit{"layers", shape.layers, 1, 1'000}, Limit{"heads", shape.heads, 1, 1'000},
        Limit{"embedding", shape.embedding, 32, 65'536}, Limit{"kv-heads", shape.kv_heads, 1, 1'000},
        Limit{"feed-forward", shape.feed_forward, 32, 1'000'000},
        Limit{"vocabulary", shape.vocabulary, kSpecialTokens + 1, 1'000'000},
        Limit{"context", shape.context, 32, 10'000'000}}) {
    if (limit.value < limit.low || limit.value > limit.high)
      return fail(std::string("--") + limit.name + " " + std::to_string(limit.value) +
                  " is out of range; give a number from " + std::to_string(limit.low) + " to " +
                  std::to_string(limit.high));
  }
  if (shape.embedding % shape.heads != 0 || shape.embedding / shape.heads % 2 != 0)
    return fail("--embedding " + std::to_string(shape.embedding) + " must be an even multiple of --heads " +
                std::to_string(shape.heads) + "; give an embedding of " + std::to_string(shape.heads * 32));
  if (shape.heads % shape.kv_heads != 0)
    return fail("--heads " + std::to_string(shape.heads) + " must be a multiple of --kv-heads " +
                std::to_string(shape.kv_heads) + "; give --kv-heads 1 or " + std::to_string(shape.heads));
  return {};
}

void write_gguf(const ModelShape& shape, const std::function<void(std::string_view)>& write) {
  const std::vector<Tensor> all = tensors(shape);
  write(header(shape, all));
  std::mt19937_64 generator(shape.seed);
  std::string ones;
  for (std::uint32_t column = 0; column < shape.embedding; ++column)
    put_float(ones, 1.0F);
  for (const Tensor& tensor : all) {
    if (tensor.rows == 0) write(ones);
    for (std::uint64_t row = 0; row < tensor.rows; ++row)
      write(random_row(tensor.columns, generator));
    write(std::string(padding(tensor.bytes()), '\0'));
  }
}

}  // namespace sweep::bench
