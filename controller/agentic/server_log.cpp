#include "controller/agentic/server_log.hpp"

#include <charconv>
#include <numeric>

namespace sweep::agentic {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// A place in a line. The functions advance it over what they find, or return false and leave it.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}

  bool skip(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool skip_blanks() {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && is_blank(rest_.front()))
      rest_.remove_prefix(1);
    return rest_.size() != before;
  }
  // Takes digits, between which there may be commas if `commas`. Returns them without commas; "" if there are none.
  std::string digits(bool commas = false) {
    std::string out;
    while (!rest_.empty() && (is_digit(rest_.front()) || (commas && rest_.front() == ','))) {
      if (rest_.front() != ',') out += rest_.front();
      rest_.remove_prefix(1);
    }
    return out;
  }
  bool at_word_end() const { return rest_.empty() || !is_word(rest_.front()); }

 private:
  std::string_view rest_;
};

std::optional<std::int64_t> positive(const std::string& digits) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code != std::errc() || end != digits.data() + digits.size() || value <= 0) return std::nullopt;
  return value;
}

// Returns the digits of the first NAME=digits in the line that is a word of its own; "" if there is none.
std::string assigned_digits(std::string_view line, std::string_view name) {
  for (std::size_t at = 0; (at = line.find(name, at)) != std::string_view::npos; ++at) {
    if (at > 0 && is_word(line[at - 1])) continue;
    Cursor cursor(line.substr(at + name.size()));
    std::string digits = cursor.digits();
    if (!digits.empty() && cursor.at_word_end()) return digits;
  }
  return "";
}

// Returns the tag of vLLM's engine: EngineCore or EngineCore_DP1 of "(EngineCore_DP1 pid=7)".
std::optional<std::string> engine_tag(std::string_view line) {
  for (std::size_t at = 0; (at = line.find("(EngineCore", at)) != std::string_view::npos; ++at) {
    Cursor cursor(line.substr(at + 1));
    cursor.skip("EngineCore");
    std::string tag = "EngineCore";
    if (cursor.skip("_DP")) {
      const std::string rank = cursor.digits();
      if (rank.empty()) continue;
      tag += "_DP" + rank;
    }
    if (cursor.skip_blanks() && cursor.skip("pid=") && !cursor.digits().empty() && cursor.skip(")"))
      return tag;
  }
  return std::nullopt;
}

// Returns SGLang's rank, "DP0 TP1 EP0".
std::optional<std::string> rank_tag(std::string_view line) {
  for (std::size_t at = 0; (at = line.find("DP", at)) != std::string_view::npos; ++at) {
    if (at > 0 && is_word(line[at - 1])) continue;
    Cursor cursor(line.substr(at));
    std::string tag;
    bool fits = true;
    for (const std::string_view part : {"DP", "TP", "EP"}) {
      fits = fits && (tag.empty() || cursor.skip_blanks()) && cursor.skip(part);
      const std::string rank = cursor.digits();
      fits = fits && !rank.empty();
      tag += std::string(part) + rank + " ";
    }
    if (fits && cursor.at_word_end()) return tag;
  }
  return std::nullopt;
}

}  // namespace

void LogCapacity::add(const std::optional<std::string>& rank, std::int64_t tokens) {
  if (rank) {
    by_rank_[*rank] = tokens;
  } else {
    bare_total_ += tokens;
    ++bare_lines_;
  }
}

void LogCapacity::take(std::string_view line) {
  if (adapter_ == Adapter::Vllm || adapter_ == Adapter::DynamoVllm) take_vllm(line);
  if (adapter_ == Adapter::Sglang) take_sglang(line);
}

void LogCapacity::take_vllm(std::string_view line) {
  constexpr std::string_view kPhrase = "GPU KV cache size:";
  for (std::size_t at = 0; (at = line.find(kPhrase, at)) != std::string_view::npos; ++at) {
    Cursor cursor(line.substr(at + kPhrase.size()));
    cursor.skip_blanks();
    const std::string digits = cursor.digits(true);
    cursor.skip_blanks();
    if (digits.empty() || !cursor.skip("tokens")) continue;
    if (const auto tokens = positive(digits)) add(engine_tag(line), *tokens);
    return;
  }
}

void LogCapacity::take_sglang(std::string_view line) {
  if (!dp_size_) {
    const std::string digits = assigned_digits(line, "dp_size=");
    if (!digits.empty()) dp_size_ = positive(digits).value_or(0);
  }
  if (const auto tokens = positive(assigned_digits(line, "max_total_num_tokens=")))
    add(rank_tag(line), *tokens);
}

std::optional<std::int64_t> LogCapacity::tokens() const {
  const std::int64_t copies =
      adapter_ == Adapter::Sglang ? std::max<std::int64_t>(dp_size_.value_or(1), 1) : 1;
  if (!by_rank_.empty()) {
    const auto add_rank = [](std::int64_t sum, const auto& rank) { return sum + rank.second; };
    const std::int64_t sum = std::accumulate(by_rank_.begin(), by_rank_.end(), std::int64_t{0}, add_rank);
    return by_rank_.size() == 1 ? sum * copies : sum;
  }
  if (bare_lines_ == 0) return std::nullopt;
  return bare_lines_ == 1 ? bare_total_ * copies : bare_total_;
}

}  // namespace sweep::agentic
