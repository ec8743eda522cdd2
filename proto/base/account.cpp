#include "proto/base/account.hpp"

#include <limits>

#include "proto/base/fields.hpp"
#include "proto/base/text.hpp"

namespace sweep {

namespace {

using nlohmann::json;

constexpr std::size_t kMaxPhases = 64;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxLines = 32;
constexpr std::size_t kMaxLine = 512;
constexpr std::int64_t kMaxServers = 1'000'000;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;

void read_phases(Fields& in, Account& account) {
  if (!in.has("phases")) return;
  const json& list = in.child("phases");
  bool good = list.is_array() && list.size() <= kMaxPhases;
  for (auto pair = list.begin(); good && pair != list.end(); ++pair) {
    good = pair->is_array() && pair->size() == 2 && (*pair)[0].is_string() &&
           (*pair)[0].get_ref<const std::string&>().size() <= kMaxName && (*pair)[1].is_number_integer();
    const std::int64_t ms = good ? (*pair)[1].get<std::int64_t>() : 0;
    good = good && ms >= 0 && ms <= kMaxInt;
    if (good) account.phases.push_back({printable((*pair)[0].get<std::string>()), Millis(ms)});
  }
  if (!good)
    in.complain("account: 'phases' must be at most " + std::to_string(kMaxPhases) +
                " pairs of a name and milliseconds");
}

}  // namespace

json account_to_json(const Account& account) {
  json out = json::object();
  json phases = json::array();
  for (const PhaseTime& phase : account.phases) {
    if (phases.size() < kMaxPhases)
      phases.push_back(json::array_t{clipped(printable(phase.name), kMaxName), phase.time.count()});
  }
  if (!phases.empty()) out["phases"] = std::move(phases);
  if (account.servers) out["servers"] = *account.servers;
  json lines = json::array();
  for (const std::string& line : account.server_says) {
    if (lines.size() < kMaxLines) lines.push_back(clipped(printable(line), kMaxLine));
  }
  if (!lines.empty()) out["server_says"] = std::move(lines);
  json flaws = json::array();
  for (const std::string& flaw : account.flaws) {
    if (flaws.size() < kMaxLines) flaws.push_back(clipped(printable(flaw), kMaxLine));
  }
  if (!flaws.empty()) out["flaws"] = std::move(flaws);
  return out;
}

Expected<Account> account_from_json(const json& body) {
  Fields in(body, "account");
  Account account;
  read_phases(in, account);
  if (const auto servers = in.maybe_integer("servers", 0, kMaxServers))
    account.servers = static_cast<int>(*servers);
  if (in.has("server_says")) {
    for (const std::string& line : in.texts("server_says", kMaxLines, kMaxLine))
      account.server_says.push_back(printable(line));
  }
  if (in.has("flaws")) {
    for (const std::string& flaw : in.texts("flaws", kMaxLines, kMaxLine))
      account.flaws.push_back(printable(flaw));
  }
  if (in.error()) return fail(*in.error());
  return account;
}

}  // namespace sweep
