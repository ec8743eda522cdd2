#include "controller/io/supervisor_link.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMaxRest = 64 * 1024;

}  // namespace

std::string encode_report(const Report& report) {
  if (const auto* note = std::get_if<SupervisorNote>(&report)) {
    // The directory comes last because it may contain any character.
    return "opened " + std::to_string(note->away.count()) + " " + std::to_string(note->kill_grace.count()) +
           " " + note->server_keys.public_key + " " + note->server_keys.secret_key + " " +
           note->client_public + " " + note->directory;
  }
  if (const auto* ended = std::get_if<LoopEnded>(&report)) return "ended " + std::to_string(ended->agents);
  return "turned";
}

std::optional<Report> parse_report(const std::string& text) {
  if (text == "turned") return LoopTurned{};
  std::vector<std::string> words;
  std::size_t at = 0;
  for (std::size_t space = text.find(' '); space != std::string::npos && words.size() < 6;
       space = text.find(' ', at)) {
    words.push_back(text.substr(at, space - at));
    at = space + 1;
  }
  const std::string last = text.substr(at);
  if (words.size() == 1 && words[0] == "ended")
    return LoopEnded{static_cast<int>(std::strtol(last.c_str(), nullptr, 10))};
  if (words.size() != 6 || words[0] != "opened") return std::nullopt;
  return SupervisorNote{last,
                        {words[3], words[4]},
                        words[5],
                        Millis(std::strtoll(words[1].c_str(), nullptr, 10)),
                        Millis(std::strtoll(words[2].c_str(), nullptr, 10))};
}

SupervisorLink::SupervisorLink(Fd pipe) : pipe_(std::move(pipe)) {
  ::fcntl(pipe_.get(), F_SETFL, O_NONBLOCK);
}

void SupervisorLink::send(const Report& report) const {
  std::string text = encode_report(report);
  text += '\0';
  // Fails if the supervisor has ended, so that this controller will not be restarted, or is stopped, so that
  // it does not count the time either.
  static_cast<void>(::write(pipe_.get(), text.data(), text.size()) < 0);
}

std::vector<Report> ReportReader::take(const std::string& bytes) {
  std::vector<Report> reports;
  rest_ += bytes;
  for (std::size_t end = rest_.find('\0'); end != std::string::npos; end = rest_.find('\0')) {
    if (auto report = parse_report(rest_.substr(0, end))) reports.push_back(std::move(*report));
    rest_.erase(0, end + 1);
  }
  if (rest_.size() > kMaxRest) rest_.clear();
  return reports;
}

}  // namespace sweep
