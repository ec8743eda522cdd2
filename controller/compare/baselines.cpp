#include "controller/compare/baselines.hpp"

#include <unistd.h>

#include "controller/compare/baseline_query.hpp"
#include "controller/python/value.hpp"
#include "controller/report/documents.hpp"
#include "util/os/files.hpp"
#include "util/os/run_program.hpp"
#include "util/os/temporary_directory.hpp"
#include "util/text.hpp"

namespace sweep::compare {

namespace {

using Json = nlohmann::ordered_json;
using Baselines = std::vector<std::optional<Baseline>>;

constexpr std::string_view kFileScheme = "file:";
constexpr std::size_t kMaxAnswer = 256u << 20;  // bytes
constexpr Millis kLimit{300'000};

Expected<Baselines> from_file(const std::string& path, std::span<const Json> queries) {
  SWEEP_ASSIGN(const auto document, report::read_document(path));
  if (!document.json.is_array())
    return fail("'" + printable(path) + "' must be a JSON array of rows, but is " +
                python::shown_value(document.json));
  const BaselineRows index(document.json.get_ref<const Json::array_t&>());
  Baselines out;
  for (const Json& query : queries)
    out.push_back(index.newest(query));
  return out;
}

std::vector<std::string> environment_with(const std::optional<std::string>& password) {
  std::vector<std::string> out;
  bool has_timeout = false;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (text.starts_with("DATABASE_URL=") || (password && text.starts_with("PGPASSWORD="))) continue;
    has_timeout = has_timeout || text.starts_with("PGCONNECT_TIMEOUT=");
    out.push_back(text);
  }
  if (password) out.push_back("PGPASSWORD=" + *password);
  if (!has_timeout) out.emplace_back("PGCONNECT_TIMEOUT=20");
  return out;
}

Expected<Baselines> from_database(const std::string& url, std::span<const Json> queries) {
  SWEEP_ASSIGN(const auto address, split_password(url));
  SWEEP_ASSIGN(const auto folder, TemporaryDirectory::make("sweepctl-compare-"));
  const std::string script = folder.path() + "/query.sql", answer = folder.path() + "/answer";
  SWEEP_TRY(write_file_atomic(script, baseline_sql(queries), 0600, Sync::No));
  RunOptions options;
  options.environment = environment_with(address.second);
  options.limit = kLimit;
  const auto ran =
      run_program({"psql", "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align",
                   "--output=" + answer, "--file=" + script, "--dbname=" + address.first},
                  options);
  const std::string remedy =
      "; or export the rows to a JSON array and set DATABASE_URL=file:FILE (man sweepctl-compare-results)";
  if (!ran) return fail(printable(ran.error().message) + "; install psql (postgresql-client)" + remedy);
  if (!ran->ok()) return fail("the query of the database failed: psql: " + how_it_ended(*ran) + remedy);
  SWEEP_ASSIGN(const std::string lines, read_file(answer, kMaxAnswer));
  auto found = parse_baselines(lines);
  if (!found) return fail("the answer of psql cannot be read: " + found.error().message + remedy);
  Baselines out(queries.size());
  for (auto& [number, baseline] : *found) {
    if (number < out.size()) out[number] = std::move(baseline);
  }
  return out;
}

}  // namespace

Expected<Baselines> find_baselines(const std::string& database_url, std::span<const Json> queries) {
  if (database_url.starts_with(kFileScheme))
    return from_file(database_url.substr(kFileScheme.size()), queries);
  return from_database(database_url, queries);
}

}  // namespace sweep::compare
