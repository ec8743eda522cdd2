#include "benchmarks/sweep-bench/core/chunk.hpp"

#include <charconv>

#include "benchmarks/sweep-bench/core/json_scanner.hpp"
#include "benchmarks/sweep-bench/core/server_error.hpp"
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
      return scan_.array([&](std::size_t i) { return i == 0 ? first_choice() : other_choice(); });
    if (key == "usage" && scan_.peek() == '{') {
      chunk_.usage = true;
      return scan_.object([&](std::string_view name) { return usage(name); });
    }
    if (key == "error") return error(1);
    std::string_view spelled;
    if (!scan_.value(spelled, 1)) return false;
    if (key == "simulated") chunk_.simulated = spelled == "true";
    if (key == "stamp_ns") chunk_.stamp_ns = integer(spelled);
    if (key == "received_ns") chunk_.received_ns = integer(spelled);
    return true;
  }

  /// Returns a count; std::nullopt if `spelled` is not a whole number of at least 0. "8.0" is one.
  static std::optional<std::int64_t> integer(std::string_view spelled) {
    const std::size_t point = spelled.find('.');
    if (point != std::string_view::npos &&
        spelled.find_first_not_of('0', point + 1) == std::string_view::npos)
      spelled = spelled.substr(0, point);
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(spelled.data(), spelled.data() + spelled.size(), value);
    const bool good = code == std::errc() && end == spelled.data() + spelled.size() && value >= 0;
    return good ? std::optional(value) : std::nullopt;
  }

  bool first_choice() {
    chunk_.choice = true;
    if (scan_.peek() != '{') return scan_.skip(2);
    return scan_.object([&](std::string_view key) {
      if (key == "text") return text(3);
      if (key == "delta" && scan_.peek() == '{')
        return scan_.object([&](std::string_view name) { return delta(name); });
      return end_of_choice(key);
    });
  }

  bool other_choice() {
    if (scan_.peek() != '{') return scan_.skip(2);
    return scan_.object([&](std::string_view key) { return end_of_choice(key); });
  }

  bool end_of_choice(std::string_view key) {
    if (key == "finish_reason") return finish_reason();
    if (key == "error") return error(3);
    return scan_.skip(3);
  }

  bool finish_reason() {
    std::string_view spelled;
    if (!scan_.value(spelled, 3)) return false;
    if (!spelled.starts_with('"') && !spelled.starts_with('{')) return true;  // null: not finished
    if (spelled == "\"\"") return true;
    chunk_.finished = true;
    const std::string_view inside = spelled.substr(1, spelled.size() - 2);
    if (spelled.starts_with('{')) {  // SGLang's own form: {"type":"abort","message":"…"}
      if (!is_regular_end(type_of(spelled))) chunk_.failed_end = spelled;
    } else if (!is_regular_end(inside)) {
      chunk_.failed_end = inside;
    }
    return true;
  }

  static std::string type_of(std::string_view object) {
    const auto json = nlohmann::json::parse(object, nullptr, false);
    const auto found = json.find("type");
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  }

  /// Keeps the first error that is not null.
  bool error(int depth) {
    std::string_view spelled;
    if (!scan_.value(spelled, depth)) return false;
    if (spelled != "null" && (chunk_.error.empty() || means_no_error(chunk_.error))) chunk_.error = spelled;
    return true;
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
