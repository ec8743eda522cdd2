#include "controller/compare/baseline_query.hpp"

#include <algorithm>
#include <charconv>

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::compare {

namespace {

using Json = nlohmann::ordered_json;

// Returns a text as an SQL literal; standard_conforming_strings is on, so a backslash is a character.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

constexpr const char* kBefore = R"(\set ON_ERROR_STOP on
SET standard_conforming_strings = on;
BEGIN TRANSACTION READ ONLY;
SELECT json_build_object('query', q.number, 'model', b.model, 'metrics', b.metrics)
FROM json_to_recordset()";

constexpr const char* kAfter = R"(::json) AS q(
  number bigint, hardware text, model text, framework text, precision text, spec_method text, disagg boolean,
  is_multinode boolean, prefill_tp bigint, prefill_ep bigint, prefill_dp_attention boolean, decode_tp bigint,
  decode_ep bigint, decode_dp_attention boolean, isl bigint, osl bigint, conc bigint)
CROSS JOIN LATERAL (
  SELECT c.model, br.metrics::jsonb AS metrics
  FROM benchmark_results br
  JOIN configs c ON c.id = br.config_id
  JOIN workflow_runs wr ON wr.id = br.workflow_run_id
  WHERE wr.head_branch = 'main' AND br.error IS NULL
    AND c.hardware = q.hardware AND c.framework = q.framework AND c.precision = q.precision
    AND left(c.model, length(q.model)) = q.model AND c.spec_method = q.spec_method
    AND c.disagg = q.disagg AND c.is_multinode = q.is_multinode
    AND c.prefill_tp = q.prefill_tp AND c.prefill_ep = q.prefill_ep
    AND c.prefill_dp_attention = q.prefill_dp_attention
    AND c.decode_tp = q.decode_tp AND c.decode_ep = q.decode_ep
    AND c.decode_dp_attention = q.decode_dp_attention
    AND br.isl = q.isl AND br.osl = q.osl AND br.conc = q.conc
  ORDER BY br.date DESC NULLS LAST
  LIMIT 1) AS b
ORDER BY q.number;
COMMIT;
)";

std::optional<std::string> without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const auto [end, code] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (code != std::errc() || end != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace

std::string baseline_sql(std::span<const Json> queries) {
  Json all = Json::array();
  for (const Json& query : queries) {
    Json numbered = query;
    numbered["number"] = all.size();
    all.push_back(std::move(numbered));
  }
  return kBefore + quoted(python::json_text(all, -1)) + kAfter;
}

Expected<std::map<std::size_t, Baseline>> parse_baselines(std::string_view lines) {
  std::map<std::size_t, Baseline> out;
  for (const std::string& line : split(lines, '\n')) {
    if (trimmed(line).empty()) continue;
    SWEEP_ASSIGN(const Json row, python::read_json(line));
    const Json *number = python::member(row, "query"), *model = python::member(row, "model"),
               *metrics = python::member(row, "metrics");
    if (number == nullptr || !number->is_number_unsigned() || model == nullptr || metrics == nullptr)
      return fail("unexpected line '" + printable(clipped(line, 60)) + "'");
    out[number->get<std::size_t>()] = {python::str_of(*model), *metrics};
  }
  return out;
}

Expected<std::pair<std::string, std::optional<std::string>>> split_password(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::string name = url.substr(0, scheme == std::string::npos ? 0 : scheme);
  if (name != "postgresql" && name != "postgres") {
    return fail(
        "DATABASE_URL must begin with postgresql:// or file:, for example "
        "postgresql://user@host/database or file:baseline.json");
  }
  if (url.find("password=") != std::string::npos)
    return fail(
        "DATABASE_URL has a parameter 'password'; write postgresql://user:password@host/database instead");
  const std::size_t begin = scheme + 3, end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::size_t at = url.substr(0, end).rfind('@');
  const std::size_t colon = url.find(':', begin);
  if (at == std::string::npos || at < begin || colon == std::string::npos || colon > at)
    return std::pair(url, std::optional<std::string>());
  auto password = without_escapes(std::string_view(url).substr(colon + 1, at - colon - 1));
  if (!password) return fail("the password in DATABASE_URL has an invalid % escape; write % as %25");
  return std::pair(url.substr(0, colon) + url.substr(at), std::move(password));
}

}  // namespace sweep::compare
