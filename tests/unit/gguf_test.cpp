// benchmarks/gguf_model.hpp and the program random-gguf, held to GGUF's specification (ggml-org/ggml, docs/gguf.md) by a
// reader that shares no code with the writer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "benchmarks/gguf_model.hpp"
#include "util/os/run_program.hpp"

namespace sweep::bench {
namespace {

using testing::HasSubstr;

struct Array {
  std::uint32_t type = 0;
  std::vector<std::string> texts;
  std::vector<double> numbers;
};
using Value = std::variant<std::uint32_t, float, bool, std::string, Array>;

struct TensorInfo {
  std::vector<std::uint64_t> dimensions;
  std::uint32_t type = 0;
  std::uint64_t offset = 0;  // from the start of the data
  std::uint64_t elements() const {
    std::uint64_t out = 1;
    for (const std::uint64_t dimension : dimensions)
      out *= dimension;
    return out;
  }
  std::uint64_t bytes() const { return elements() * (type == 0 ? 4 : 2); }
};

/// Reads a GGUF file of version 3 on a little-endian machine. Throws if it ends early or has an unknown type.
class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {
    if (take(4) != "GGUF") throw std::runtime_error("magic");
    if (number<std::uint32_t>() != 3) throw std::runtime_error("version");
    const auto tensors = number<std::uint64_t>(), pairs = number<std::uint64_t>();
    for (std::uint64_t i = 0; i < pairs; ++i) {
      const std::string key = text();
      if (!keys.emplace(key, value(number<std::uint32_t>())).second)
        throw std::runtime_error("twice: " + key);
    }
    for (std::uint64_t i = 0; i < tensors; ++i) {
      const std::string name = text();
      TensorInfo info;
      info.dimensions.resize(number<std::uint32_t>());
      for (std::uint64_t& dimension : info.dimensions)
        dimension = number<std::uint64_t>();
      info.type = number<std::uint32_t>();
      info.offset = number<std::uint64_t>();
      names.push_back(name);
      if (!infos.emplace(name, info).second) throw std::runtime_error("twice: " + name);
    }
    data_ = (at_ + 31) / 32 * 32;
    for (std::size_t i = at_; i < data_; ++i)
      if (bytes_.at(i) != '\0') throw std::runtime_error("padding before the data");
  }

  std::map<std::string, Value> keys;
  std::vector<std::string> names;  // of the tensors, in the order of the file
  std::map<std::string, TensorInfo> infos;

  std::uint64_t data_size() const { return bytes_.size() - data_; }
  std::string_view data_of(const std::string& name) const {
    return std::string_view(bytes_).substr(data_ + infos.at(name).offset, infos.at(name).bytes());
  }
  const Array& array(const std::string& key) const { return std::get<Array>(keys.at(key)); }

 private:
  std::string take(std::size_t size) {
    if (size > bytes_.size() - at_) throw std::runtime_error("the file ends early");
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  template <class T>
  T number() {
    T out;
    std::memcpy(&out, take(sizeof out).data(), sizeof out);
    return out;
  }
  std::string text() { return take(number<std::uint64_t>()); }
  Value value(std::uint32_t type) {
    switch (type) {
      case 4:
        return number<std::uint32_t>();
      case 6:
        return number<float>();
      case 7: {
        const auto byte = number<std::uint8_t>();
        if (byte > 1) throw std::runtime_error("a bool is 0 or 1");
        return byte == 1;
      }
      case 8:
        return text();
      case 9:
        return items();
      default:
        throw std::runtime_error("type " + std::to_string(type));
    }
  }
  Array items() {
    Array out;
    out.type = number<std::uint32_t>();
    const auto size = number<std::uint64_t>();
    for (std::uint64_t i = 0; i < size; ++i) {
      if (out.type == 8)
        out.texts.push_back(text());
      else if (out.type == 6)
        out.numbers.push_back(number<float>());
      else if (out.type == 5)
        out.numbers.push_back(number<std::int32_t>());
      else
        throw std::runtime_error("items of type " + std::to_string(out.type));
    }
    return out;
  }

  std::string bytes_;
  std::size_t at_ = 0, data_ = 0;
};

double half_value(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const double fraction = (bits & 1023) / 1024.0;
  const double size = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  return (bits & 0x8000) != 0 ? -size : size;
}

ModelShape small() {
  ModelShape shape;
  shape.layers = 2;
  shape.embedding = 72;  // rows of 144 bytes: data of odd sizes needs padding
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.feed_forward = 90;
  shape.vocabulary = 301;
  shape.context = 64;
  shape.seed = 5;
  return shape;
}

std::string written(const ModelShape& shape) {
  std::string out;
  write_gguf(shape, [&](std::string_view bytes) { out += bytes; });
  return out;
}

TEST(Gguf, HeaderHasTheKeysOfTheShape) {
  const Reader file(written(small()));
  const std::map<std::string, std::uint32_t> numbers = {{"general.alignment", 32},
                                                        {"general.file_type", 1},
                                                        {"llama.context_length", 64},
                                                        {"llama.embedding_length", 72},
                                                        {"llama.block_count", 2},
                                                        {"llama.feed_forward_length", 90},
                                                        {"llama.attention.head_count", 4},
                                                        {"llama.attention.head_count_kv", 2},
                                                        {"llama.rope.dimension_count", 18},
                                                        {"llama.vocab_size", 301},
                                                        {"tokenizer.ggml.unknown_token_id", 0},
                                                        {"tokenizer.ggml.bos_token_id", 1},
                                                        {"tokenizer.ggml.eos_token_id", 2}};
  for (const auto& [key, number] : numbers) {
    ASSERT_TRUE(file.keys.contains(key)) << key;
    EXPECT_EQ(std::get<std::uint32_t>(file.keys.at(key)), number) << key;
  }
  EXPECT_EQ(std::get<std::string>(file.keys.at("general.architecture")), "llama");
  EXPECT_EQ(std::get<std::string>(file.keys.at("general.name")), "random weights, seed 5");
  EXPECT_EQ(std::get<std::string>(file.keys.at("tokenizer.ggml.model")), "llama");
  EXPECT_FLOAT_EQ(std::get<float>(file.keys.at("llama.attention.layer_norm_rms_epsilon")), 1e-5F);
  EXPECT_TRUE(std::get<bool>(file.keys.at("tokenizer.ggml.add_bos_token")));
  EXPECT_EQ(file.keys.size(), numbers.size() + 8);  // and three arrays
}

TEST(Gguf, EveryTokenHasADifferentTextAScoreAndAType) {
  ModelShape shape = small();
  shape.vocabulary = 32'000;
  const Reader file(written(shape));
  const Array& tokens = file.array("tokenizer.ggml.tokens");
  const Array& scores = file.array("tokenizer.ggml.scores");
  const Array& types = file.array("tokenizer.ggml.token_type");
  ASSERT_EQ(tokens.texts.size(), 32'000U);
  ASSERT_EQ(scores.numbers.size(), 32'000U);
  ASSERT_EQ(types.numbers.size(), 32'000U);
  EXPECT_EQ(types.type, 5U);
  EXPECT_EQ(std::set<std::string>(tokens.texts.begin(), tokens.texts.end()).size(), 32'000U);
  EXPECT_EQ(tokens.texts[0], "<unk>");
  EXPECT_EQ(tokens.texts[1], "<s>");
  EXPECT_EQ(tokens.texts[2], "</s>");
  EXPECT_EQ(tokens.texts[3], "<0x00>");
  EXPECT_EQ(tokens.texts[258], "<0xFF>");
  EXPECT_EQ(tokens.texts[259], "\u2581ba");
  EXPECT_EQ(types.numbers[0], 2);  // unknown
  EXPECT_EQ(types.numbers[1], 3);  // control
  EXPECT_EQ(types.numbers[2], 3);
  EXPECT_EQ(types.numbers[3], 6);  // byte
  EXPECT_EQ(types.numbers[258], 6);
  EXPECT_EQ(types.numbers[259], 1);  // normal
  EXPECT_EQ(types.numbers[31'999], 1);
}

TEST(Gguf, TensorsHaveTheShapesOfTheArchitecture) {
  const Reader file(written(small()));
  using Dimensions = std::vector<std::uint64_t>;
  std::map<std::string, Dimensions> wanted = {
      {"token_embd.weight", {72, 301}}, {"output_norm.weight", {72}}, {"output.weight", {72, 301}}};
  for (const std::string block : {"blk.0.", "blk.1."}) {
    for (const std::string name : {"attn_q", "attn_output"})
      wanted[block + name + ".weight"] = {72, 72};
    for (const std::string name : {"attn_k", "attn_v"})
      wanted[block + name + ".weight"] = {72, 36};
    for (const std::string name : {"attn_norm", "ffn_norm"})
      wanted[block + name + ".weight"] = {72};
    for (const std::string name : {"ffn_gate", "ffn_up"})
      wanted[block + name + ".weight"] = {72, 90};
    wanted[block + "ffn_down.weight"] = {90, 72};
  }
  std::map<std::string, Dimensions> got;
  for (const auto& [name, info] : file.infos) {
    got[name] = info.dimensions;
    EXPECT_EQ(info.type, info.dimensions.size() == 1 ? 0U : 1U) << name;  // float32, float16
  }
  EXPECT_EQ(got, wanted);
}

TEST(Gguf, DataOfTensorsIsAlignedTo32BytesInOrderAndEndsTheFile) {
  const Reader file(written(small()));
  std::uint64_t end = 0;
  for (const std::string& name : file.names) {
    const TensorInfo& info = file.infos.at(name);
    EXPECT_EQ(info.offset, (end + 31) / 32 * 32) << name;
    end = info.offset + info.bytes();
  }
  EXPECT_EQ(file.data_size(), (end + 31) / 32 * 32);
}

TEST(Gguf, WeightsFillTheirRangeAndNormsAreOne) {
  const Reader file(written(small()));
  for (const std::string& name : file.names) {
    const std::string_view data = file.data_of(name);
    ASSERT_EQ(data.size(), file.infos.at(name).bytes()) << name;
    double sum = 0, squares = 0, longest = 0;
    const std::size_t size = file.infos.at(name).type == 0 ? 4 : 2, count = data.size() / size;
    for (std::size_t i = 0; i < count; ++i) {
      float number = 0;
      std::uint16_t bits = 0;
      std::memcpy(size == 4 ? static_cast<void*>(&number) : &bits, data.data() + i * size, size);
      const double value = size == 4 ? static_cast<double>(number) : half_value(bits);
      sum += value;
      squares += value * value;
      longest = std::max(longest, std::fabs(value));
    }
    const auto n = static_cast<double>(count);
    if (size == 4) {
      EXPECT_EQ(sum, n) << name;
      EXPECT_EQ(longest, 1) << name;
      continue;
    }
    const auto columns = static_cast<double>(file.infos.at(name).dimensions[0]);
    EXPECT_LE(longest, std::sqrt(3 / columns)) << name;
    EXPECT_NEAR(sum / n, 0, 0.02) << name;
    EXPECT_NEAR(squares / n * columns, 1, 0.1) << name;
  }
}

TEST(Gguf, FileDependsOnlyOnShapeAndSeed) {
  const std::string first = written(small());
  EXPECT_EQ(written(small()), first);
  ModelShape other = small();
  other.seed = 6;
  const Reader one(first), two(written(other));
  EXPECT_NE(one.data_of("output.weight"), two.data_of("output.weight"));
  EXPECT_NE(one.data_of("output.weight"), one.data_of("token_embd.weight"));
  // The first two weights, computed apart from the writer from the first two numbers of std::mt19937_64 with seed 5.
  std::uint16_t bits[2];
  std::memcpy(bits, one.data_of("token_embd.weight").data(), sizeof bits);
  EXPECT_EQ(bits[0], 11397);
  EXPECT_EQ(bits[1], 45575);
}

TEST(Gguf, ShapeThatNoModelCanHaveIsRefusedWithARemedy) {
  const auto message = [](auto change) {
    ModelShape shape = small();
    change(shape);
    const auto checked = check_shape(shape);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_EQ(message([](ModelShape&) {}), "");
  EXPECT_EQ(message([](ModelShape& s) { s.vocabulary = 259; }),
            "--vocabulary 259 is out of range; give a number from 260 to 1000000");
  EXPECT_EQ(message([](ModelShape& s) { s.heads = 5; }),
            "--embedding 72 must be an even multiple of --heads 5; give an embedding of 160");
  EXPECT_EQ(message([](ModelShape& s) { s.kv_heads = 3; }),
            "--heads 4 must be a multiple of --kv-heads 3; give --kv-heads 1 or 4");
  EXPECT_EQ(message([](ModelShape& s) { s.layers = 0; }),
            "--layers 0 is out of range; give a number from 1 to 1000");
}

TEST(Gguf, ProgramWritesTheModelOfItsOptionsAndLeavesNoFileIfItRefuses) {
  namespace fs = std::filesystem;
  const fs::path file = fs::path(testing::TempDir()) / "random.gguf";
  fs::remove(file);
  const auto run = [&](const std::vector<std::string>& options) {
    std::vector<std::string> argv = {RANDOM_GGUF_PROGRAM};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.push_back(file.string());
    const auto result = run_program(argv, {});
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(ProgramResult{});
  };
  const auto refused = run({"--heads", "7"});
  EXPECT_EQ(refused.status.code, 2) << refused.out;
  EXPECT_THAT(refused.out, HasSubstr("random-gguf: --embedding 256 must be an even multiple of --heads 7; "));
  EXPECT_FALSE(fs::exists(file));
  const auto made = run({"--layers", "2", "--embedding", "72", "--heads", "4", "--kv-heads", "2",
                         "--feed-forward", "90", "--vocabulary", "301", "--context", "64", "--seed", "5"});
  EXPECT_EQ(made.status.code, 0) << made.out;
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  EXPECT_TRUE(bytes.str() == written(small()));
  fs::remove(file);
}

}  // namespace
}  // namespace sweep::bench
