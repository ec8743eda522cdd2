#include "benchmarks/sweep-bench/core/chunk.hpp"

#include <charconv>

#include "benchmarks/sweep-bench/core/json_scanner.hpp"
#include "util/json.hpp"

namespace sweep::client {

namespace {

class ChunkReader {
 public:
  ChunkReader(std::string_view json, Chunk& chunk) : scan_(json), chunk_(chunk) {}

  bool read() {
    scan_.skip_blanks();
    const bool good = scan_.object([&](std::string_view key) { return top_level(key); });
    scan_.skip_blanks();
    return good && scan_.finished();
  }

 private:
  bool top_level(std::string_view key) {
    if (key == "choices" && scan_.peek() == '[')
      return scan_.array([&](std::size_t i) { return i == 0 ? choice() : scan_.skip(2); });
    if (key == "usage" && scan_.peek() == '{')
      return scan_.object([&](std::string_view name) { return usage(name); });
    std::string_view spelled;
    if (!scan_.value(spelled, 1)) return false;
    if (key == "error" && spelled != "null") chunk_.error = spelled;
    // Some servers send the error object itself.
    if (key == "object" && spelled == "\"error\"" && chunk_.error.empty()) chunk_.error = spelled;
    if (key == "simulated") chunk_.simulated = spelled == "true";
    if (key == "stamp_ns") chunk_.stamp_ns = integer(spelled);
    if (key == "received_ns") chunk_.received_ns = integer(spelled);
    return true;
  }

  static std::optional<std::int64_t> integer(std::string_view spelled) {
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(spelled.data(), spelled.data() + spelled.size(), value);
    const bool good = code == std::errc() && end == spelled.data() + spelled.size() && value >= 0;
    return good ? std::optional(value) : std::nullopt;
  }

  bool choice() {
    chunk_.choice = true;
    if (scan_.peek() != '{') return scan_.skip(2);
    return scan_.object([&](std::string_view key) {
      if (key == "text") return text(3);
      if (key == "delta" && scan_.peek() == '{')
        return scan_.object([&](std::string_view name) { return delta(name); });
      if (key == "finish_reason") chunk_.finished = scan_.peek() == '"';
      return scan_.skip(3);
    });
  }

  bool delta(std::string_view name) {
    if (name == "content" || name == "reasoning_content" || name == "reasoning") return text(4);
    if (name == "role") chunk_.role = scan_.peek() == '"';
    return scan_.skip(4);
  }

  bool text(int depth) {
    if (scan_.peek() != '"') return scan_.skip(depth);
    std::string_view inside;
    if (!scan_.string(inside)) return false;
    if (!inside.empty()) chunk_.text = inside;
    return true;
  }

  bool usage(std::string_view name) {
    std::string_view spelled;
    if (!scan_.value(spelled, 2)) return false;
    const auto value = integer(spelled);
    if (value && name == "prompt_tokens") chunk_.prompt_tokens = value;
    if (value && name == "completion_tokens") chunk_.completion_tokens = value;
    return true;
  }

  JsonScanner scan_;
  Chunk& chunk_;
};

}  // namespace

Expected<Chunk> read_chunk(std::string_view json) {
  Chunk chunk;
  if (!ChunkReader(json, chunk).read()) return fail("not a JSON object");
  return chunk;
}

std::string unescaped(std::string_view spelled) {
  if (spelled.find('\\') == std::string_view::npos) return std::string(spelled);
  const auto json = nlohmann::json::parse('"' + std::string(spelled) + '"', nullptr, false);
  return json.is_string() ? json.get<std::string>() : std::string(spelled);
}

}  // namespace sweep::client
