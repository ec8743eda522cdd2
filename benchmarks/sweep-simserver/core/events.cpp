// The events of a stream. Speed: a token costs a copy of some 250 bytes and two small ones into it.
#include <charconv>
#include <cstring>

#include "benchmarks/sweep-simserver/core/reply.hpp"
#include "util/json.hpp"

namespace sweep::sim_server {

namespace {

constexpr std::size_t kStampBytes = 20;  // as many as 64 bits can need; shorter ones have blanks in front
constexpr std::size_t kWords = 64;

// Four letters and a blank each.
constexpr std::string_view kText =
    "acid army atom bank barn bell bird blue boat bone book cake calm card cave city clay coal coin cold "
    "cook corn crab dawn deer desk door dusk echo edge farm fern fire fish flag fork frog gate goat gold "
    "hill iron jazz kite lake lamp leaf lion milk moon nest oven palm park pine rain ring road rock salt "
    "ship snow star wind ";
static_assert(kText.size() == kWords * kWordBytes);

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void put_stamp(char* at, std::int64_t stamp_ns) {
  char digits[kStampBytes];
  const auto length =
      static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, stamp_ns).ptr - digits);
  std::memset(at, ' ', kStampBytes - length);
  std::memcpy(at + kStampBytes - length, digits, length);
}

std::string event(const std::string& json) {
  return "data: " + json + "\n\n";
}

}  // namespace

std::string_view word(std::uint64_t words, std::size_t choice, std::uint32_t index) {
  // An odd stride goes through all words before one comes again.
  const std::uint64_t at = (words + choice + index * ((words >> 32) | 1)) % kWords;
  return kText.substr(at * kWordBytes, kWordBytes);
}

Events::Events(AnswerHead head, bool chunked, std::optional<std::int64_t> received_ns)
    : head_(std::move(head)), chunked_(chunked), received_ns_(received_ns), usual_(shape(0, false)) {}

// Everything before "choices".
std::string Events::opening() const {
  const bool chat = head_.endpoint == Endpoint::Chat;
  return "{\"id\":\"" + std::string(chat ? "chatcmpl-sim-" : "cmpl-sim-") + std::to_string(head_.number) +
         "\",\"object\":\"" + (chat ? "chat.completion.chunk" : "text_completion") +
         "\",\"created\":" + std::to_string(head_.created) + ",\"model\":" + quoted(head_.model) +
         ",\"simulated\":true,";
}

// What closes an event: with stamps, room for the time; it is the last thing in it.
std::string Events::stamps() const {
  if (!received_ns_) return "}";
  return ",\"received_ns\":" + std::to_string(*received_ns_) +
         ",\"stamp_ns\":" + std::string(kStampBytes, ' ') + "}";
}

Events::Shape Events::shape(std::size_t choice, bool last) const {
  Shape out;
  out.choice = choice;
  const std::string finish = last ? "\"length\"" : "null";
  std::string before = opening() + "\"choices\":[{\"index\":" + std::to_string(choice);
  before += head_.endpoint == Endpoint::Chat ? ",\"delta\":{\"content\":\"" : ",\"text\":\"";
  std::string json = before + std::string(kWordBytes, ' ');
  json += head_.endpoint == Endpoint::Chat ? "\"}" : "\"";
  json += ",\"logprobs\":null,\"finish_reason\":" + finish + "}]" + stamps();
  const std::string text = event(json);
  out.bytes = chunked_ ? chunk(text) : text;
  const std::size_t begin = out.bytes.find("data: ") + 6;
  out.word_at = begin + before.size();
  out.stamp_at = begin + json.size() - 1 - kStampBytes;
  return out;
}

void Events::put(std::string& out, const Shape& one, std::uint32_t index, std::int64_t stamp_ns) const {
  const std::size_t begin = out.size();
  out += one.bytes;
  std::memcpy(out.data() + begin + one.word_at, word(head_.words, one.choice, index).data(), kWordBytes);
  if (received_ns_) put_stamp(out.data() + begin + one.stamp_at, stamp_ns);
}

void Events::token(std::string& out, std::size_t choice, std::uint32_t index, bool last,
                   std::int64_t stamp_ns) {
  if (index == 0 && head_.endpoint == Endpoint::Chat) {
    std::string json =
        opening() + "\"choices\":[{\"index\":" + std::to_string(choice) +
        ",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]" +
        stamps();
    if (received_ns_) put_stamp(json.data() + json.size() - 1 - kStampBytes, stamp_ns);
    raw(out, event(json));
  }
  if (last) return put(out, shape(choice, true), index, stamp_ns);
  if (usual_.choice != choice) usual_ = shape(choice, false);
  put(out, usual_, index, stamp_ns);
}

void Events::usage(std::string& out, const Usage& usage, std::int64_t stamp_ns) const {
  std::string json =
      opening() + "\"choices\":[],\"usage\":{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
      ",\"completion_tokens\":" + std::to_string(usage.completion_tokens) +
      ",\"total_tokens\":" + std::to_string(usage.prompt_tokens + usage.completion_tokens) + "}" + stamps();
  if (received_ns_) put_stamp(json.data() + json.size() - 1 - kStampBytes, stamp_ns);
  raw(out, event(json));
}

void Events::done(std::string& out) const {
  raw(out, "data: [DONE]\n\n");
  end(out);
}

void Events::raw(std::string& out, std::string_view bytes) const {
  if (chunked_) {
    out += chunk(bytes);
  } else {
    out += bytes;
  }
}

void Events::end(std::string& out) const {
  if (chunked_) out += kLastChunk;
}

}  // namespace sweep::sim_server
