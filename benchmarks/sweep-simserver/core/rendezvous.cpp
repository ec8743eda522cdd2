#include "benchmarks/sweep-simserver/core/rendezvous.hpp"

#include <algorithm>
#include <cstdio>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

using Json = nlohmann::json;

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string shown(const std::string& option, const std::string& value) {
  return value.empty() ? "no " + option : option + " " + printable(value);
}

// Returns "" if the option is missing.
std::string value_in(const SharedOptions& options, const std::string& name) {
  const auto at = options.find(name);
  return at == options.end() ? "" : at->second;
}

// Returns the first option with different values; std::nullopt if all are equal.
std::optional<std::string> first_difference(const SharedOptions& a, const SharedOptions& b) {
  SharedOptions both = a;
  both.insert(b.begin(), b.end());
  for (const auto& [name, value] : both) {
    if (value_in(a, name) != value_in(b, name)) return name;
  }
  return std::nullopt;
}

}  // namespace

std::string hello_line(const Hello& hello) {
  return line_of({{"rank", hello.rank}, {"options", hello.options}});
}

std::string loaded_line() {
  return line_of({{"loaded", true}});
}

std::string load_line() {
  return line_of({{"load", true}});
}

std::string end_line(std::string_view reason, bool failed) {
  return line_of({{"end", reason}, {"failed", failed}});
}

Expected<Hello> read_hello(std::string_view line) {
  const Json json = parse_json(line);
  const auto unknown = [&] {
    return fail("not a rank of sweep-simserver: '" + printable(clipped(line, 60)) + "'");
  };
  if (!json.is_object() || !json.contains("rank") || !json.contains("options")) return unknown();
  const Json& rank = json["rank"];
  const Json& options = json["options"];
  if (!rank.is_number_unsigned() || rank.get<std::uint64_t>() > 1'000'000 || !options.is_object())
    return unknown();
  Hello out;
  out.rank = rank.get<std::uint32_t>();
  for (const auto& [name, value] : options.items()) {
    if (!value.is_string()) return unknown();
    out.options[name] = value.get<std::string>();
  }
  return out;
}

bool is_loaded_line(std::string_view line) {
  const Json json = parse_json(line);
  return json.is_object() && json.contains("loaded");
}

std::optional<Order> read_order(std::string_view line) {
  const Json json = parse_json(line);
  if (!json.is_object()) return std::nullopt;
  Order out;
  if (json.contains("load")) out.load = true;
  if (json.contains("end") && json["end"].is_string()) out.end = json["end"].get<std::string>();
  out.failed = json.contains("failed") && json["failed"] == true;
  if (!out.load && !out.end) return std::nullopt;
  return out;
}

Expected<void> Rendezvous::join(const Hello& hello, const std::string& from) {
  const std::string rank = "rank " + std::to_string(hello.rank);
  if (const auto option = first_difference(options_, hello.options))
    return fail(rank + " (" + from + ") has " + shown(*option, value_in(hello.options, *option)) +
                ", but rank 0 has " + shown(*option, value_in(options_, *option)) +
                "; start all ranks with the same options");
  if (hello.rank == 0 || hello.rank >= nnodes_)
    return fail(rank + " (" + from + ") is not a follower of " + std::to_string(nnodes_) +
                " ranks; give --node-rank 1 to " + std::to_string(nnodes_ - 1));
  if (const auto other = joined_.find(hello.rank); other != joined_.end())
    return fail(rank + " has connected twice, from " + other->second + " and from " + from +
                "; give each process its own --node-rank");
  joined_[hello.rank] = from;
  return {};
}

std::string Rendezvous::lost(std::uint32_t rank) const {
  const auto at = joined_.find(rank);
  return "rank " + std::to_string(rank) + " (" + (at == joined_.end() ? "unknown" : at->second) +
         ") is lost: its connection has ended; read the log of that process";
}

std::string Rendezvous::timed_out(double seconds, const std::string& address) const {
  std::vector<std::string> missing;
  for (std::uint32_t rank = 1; rank < nnodes_; ++rank) {
    if (!joined_.contains(rank)) missing.push_back(std::to_string(rank));
  }
  return "rank " + listed(missing, "and") + " of " + std::to_string(nnodes_) + " did not connect to " +
         address + " within " + seconds_text(seconds) +
         " s; start it with --dist-init-addr, or give a longer --rendezvous-timeout";
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", seconds);
  return text;
}

}  // namespace sweep::sim_server
