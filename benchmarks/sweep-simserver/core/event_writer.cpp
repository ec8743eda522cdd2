#include "benchmarks/sweep-simserver/core/event_writer.hpp"

#include <charconv>
#include <cstring>

#include "benchmarks/sweep-simserver/core/words.hpp"
#include "util/json.hpp"

namespace sweep::sim_server {

namespace {

// Enough for 64 bits; shorter numbers are padded with blanks on the left.
constexpr std::size_t kStampBytes = 20;

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

std::string data_line(const std::string& json) {
  return "data: " + json + "\n\n";
}

}  // namespace

EventWriter::EventWriter(AnswerHead head, bool chunked, std::optional<std::int64_t> received_ns)
    : head_(std::move(head)),
      chunked_(chunked),
      received_ns_(received_ns),
      template_(make_template(0, false)) {}

// Returns everything before "choices".
std::string EventWriter::opening() const {
  const bool chat = head_.endpoint == Endpoint::Chat;
  return "{\"id\":\"" + std::string(chat ? "chatcmpl-sim-" : "cmpl-sim-") + std::to_string(head_.number) +
         "\",\"object\":\"" + (chat ? "chat.completion.chunk" : "text_completion") +
         "\",\"created\":" + std::to_string(head_.created) + ",\"model\":" + quoted(head_.model) +
         ",\"simulated\":true,";
}

// Returns the end of an event; with --stamps it has room for the time stamp as its last field.
std::string EventWriter::closing() const {
  if (!received_ns_) return "}";
  return ",\"received_ns\":" + std::to_string(*received_ns_) +
         ",\"stamp_ns\":" + std::string(kStampBytes, ' ') + "}";
}

EventWriter::Template EventWriter::make_template(std::size_t choice, bool last) const {
  Template out;
  out.choice = choice;
  const std::string finish = last ? "\"length\"" : "null";
  std::string before = opening() + "\"choices\":[{\"index\":" + std::to_string(choice);
  before += head_.endpoint == Endpoint::Chat ? ",\"delta\":{\"content\":\"" : ",\"text\":\"";
  std::string json = before + std::string(kWordBytes, ' ');
  json += head_.endpoint == Endpoint::Chat ? "\"}" : "\"";
  json += ",\"logprobs\":null,\"finish_reason\":" + finish + "}]" + closing();
  const std::string text = data_line(json);
  out.bytes = chunked_ ? chunk(text) : text;
  const std::size_t begin = out.bytes.find("data: ") + 6;
  out.word_at = begin + before.size();
  out.stamp_at = begin + json.size() - 1 - kStampBytes;
  return out;
}

void EventWriter::put(std::string& out, const Template& event, std::uint32_t index,
                      std::int64_t stamp_ns) const {
  const std::size_t begin = out.size();
  out += event.bytes;
  std::memcpy(out.data() + begin + event.word_at, word(head_.text_seed, event.choice, index).data(),
              kWordBytes);
  if (received_ns_) put_stamp(out.data() + begin + event.stamp_at, stamp_ns);
}

void EventWriter::token(std::string& out, std::size_t choice, std::uint32_t index, bool last,
                        std::int64_t stamp_ns) {
  if (index == 0 && head_.endpoint == Endpoint::Chat) {
    std::string json =
        opening() + "\"choices\":[{\"index\":" + std::to_string(choice) +
        ",\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]" +
        closing();
    if (received_ns_) put_stamp(json.data() + json.size() - 1 - kStampBytes, stamp_ns);
    raw(out, data_line(json));
  }
  if (last) return put(out, make_template(choice, true), index, stamp_ns);
  if (template_.choice != choice) template_ = make_template(choice, false);
  put(out, template_, index, stamp_ns);
}

void EventWriter::usage(std::string& out, const Usage& usage, std::int64_t stamp_ns) const {
  std::string json =
      opening() + "\"choices\":[],\"usage\":{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
      ",\"completion_tokens\":" + std::to_string(usage.completion_tokens) +
      ",\"total_tokens\":" + std::to_string(usage.prompt_tokens + usage.completion_tokens) + "}" + closing();
  if (received_ns_) put_stamp(json.data() + json.size() - 1 - kStampBytes, stamp_ns);
  raw(out, data_line(json));
}

void EventWriter::done(std::string& out) const {
  raw(out, "data: [DONE]\n\n");
  end(out);
}

void EventWriter::raw(std::string& out, std::string_view bytes) const {
  if (chunked_) {
    out += chunk(bytes);
  } else {
    out += bytes;
  }
}

void EventWriter::end(std::string& out) const {
  if (chunked_) out += kLastChunk;
}

}  // namespace sweep::sim_server
