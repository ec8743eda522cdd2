#include "benchmarks/sweep-simserver/core/workers.hpp"

#include <algorithm>
#include <charconv>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

using OrderedJson = nlohmann::ordered_json;

std::string json_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

std::string_view name_of(WorkerKind kind) {
  return kind == WorkerKind::Prefill ? "prefill" : kind == WorkerKind::Decode ? "decode" : "regular";
}

Expected<WorkerAddress> read_worker_url(const std::string& option, std::string url) {
  constexpr std::string_view kScheme = "http://";
  while (url.ends_with('/'))
    url.pop_back();
  const auto invalid = [&] {
    return fail("invalid " + option + " '" + printable(url) + "'; give http://HOST:PORT");
  };
  if (!url.starts_with(kScheme)) return invalid();
  const std::string rest = url.substr(kScheme.size());
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string::npos || colon == 0) return invalid();
  WorkerAddress out;
  const char* const end = rest.data() + rest.size();
  const auto [stop, code] = std::from_chars(rest.data() + colon + 1, end, out.port);
  if (code != std::errc() || stop != end || out.port == 0) return invalid();
  out.host = rest.substr(0, colon);
  if (out.host.starts_with('[') && out.host.ends_with(']'))
    out.host = out.host.substr(1, out.host.size() - 2);
  if (out.host.empty() || out.host.find('/') != std::string::npos) return invalid();
  out.url = std::move(url);
  return out;
}

std::string Workers::label(std::size_t index) const {
  const Worker& worker = workers_.at(index);
  return std::string(name_of(worker.kind)) + " worker " + worker.address.url;
}

bool Workers::all_registered() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const Worker& one) { return one.registered; });
}

bool Workers::disaggregated() const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const Worker& one) { return one.kind != WorkerKind::Regular; });
}

std::optional<std::size_t> Workers::choose(WorkerKind kind) {
  std::size_t& next = next_[static_cast<std::size_t>(kind)];
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const std::size_t at = (next + i) % workers_.size();
    if (workers_[at].kind != kind || !workers_[at].registered) continue;
    next = at + 1;
    return at;
  }
  return std::nullopt;
}

std::optional<std::size_t> Workers::first(WorkerKind kind) const {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].kind == kind && workers_[i].registered) return i;
  }
  return std::nullopt;
}

std::variant<Answer, RouterAction> Workers::route(std::string_view method, std::string_view target,
                                                  bool ready) const {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == "/workers") {
    if (method == "GET") return list();
    Answer out = error_answer({.status = 405, .message = "use GET for /workers", .param = ""});
    out.allow = "GET";
    return out;
  }
  Served any;
  any.ready = true;
  const auto way = sim_server::route(method, target, any);
  if (std::holds_alternative<Endpoint>(way)) return RouterAction::Generate;
  const Answer& answer = std::get<Answer>(way);
  if (answer.status != 200) return answer;  // an unknown path or a wrong method
  if (path == "/health") return health(ready);
  return path == "/v1/models" ? RouterAction::Forward : RouterAction::Reset;
}

Answer Workers::none_registered(WorkerKind kind) {
  return error_answer({.status = 503,
                       .type = "service_unavailable",
                       .message = "no " + std::string(name_of(kind)) + " worker is registered",
                       .param = ""});
}

std::size_t Workers::count(WorkerKind kind) const {
  return static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), [kind](const Worker& one) {
    return one.registered && one.kind == kind;
  }));
}

Answer Workers::health(bool ready) const {
  if (ready) return {200, json_text({{"status", "ready"}, {"simulated", true}}), ""};
  OrderedJson missing = OrderedJson::array();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i].registered) missing.push_back(label(i));
  }
  return {503, json_text({{"status", "waiting for workers"}, {"missing", missing}, {"simulated", true}}), ""};
}

Answer Workers::list() const {
  OrderedJson all = OrderedJson::array();
  for (const Worker& worker : workers_) {
    if (!worker.registered) continue;
    all.push_back({{"url", worker.address.url}, {"worker_type", name_of(worker.kind)}, {"is_healthy", true}});
  }
  const OrderedJson stats = {{"prefill_count", count(WorkerKind::Prefill)},
                             {"decode_count", count(WorkerKind::Decode)},
                             {"regular_count", count(WorkerKind::Regular)}};
  const std::size_t total = all.size();
  return {200,
          json_text({{"workers", std::move(all)}, {"total", total}, {"stats", stats}, {"simulated", true}}),
          ""};
}

}  // namespace sweep::sim_server
