#include "controller/power/power_files.hpp"

#include <sys/stat.h>

#include <ctime>

#include "controller/power/paths.hpp"
#include "controller/python/json_error.hpp"
#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/output_file.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

constexpr std::size_t kMaxCsvBytes = std::size_t{1} << 40;  // read in pieces

bool status_of(const std::string& path, struct stat& info) {
  return ::stat(path.c_str(), &info) == 0;
}

}  // namespace

std::int64_t local_offset(std::int64_t unix) {
  static const bool zone_is_read = (::tzset(), true);
  static_cast<void>(zone_is_read);
  const std::time_t time = unix;
  std::tm local{};
  return ::localtime_r(&time, &local) == nullptr ? 0 : local.tm_gmtoff;
}

bool is_file(const std::string& path, std::uint64_t* size) {
  struct stat info {};
  if (!status_of(path, info) || !S_ISREG(info.st_mode)) return false;
  if (size != nullptr) *size = static_cast<std::uint64_t>(info.st_size);
  return true;
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return status_of(path, info) && S_ISDIR(info.st_mode);
}

Expected<void> read_csv(const std::string& path, CsvRows::Blanks blanks, const CsvRows::Take& take) {
  CsvRows rows(blanks, take);
  SWEEP_TRY(read_file(path, kMaxCsvBytes, [&](std::string_view piece) { rows.feed(piece); }));
  rows.finish();
  if (rows.too_long())
    return fail("cannot read '" + path + "': a field has more than " + std::to_string(kMaxCsvField) +
                " bytes; check that the file is CSV");
  return {};
}

BenchmarkReading read_benchmark_file(const std::string& path) {
  BenchmarkReading out;
  const auto refuse = [&](const std::string& note) {
    out.reasons.add("invalid_benchmark_result");
    out.notes.push_back(note);
    return out;
  };
  const auto bytes = read_file(path, python::kMaxJsonBytes);
  if (!bytes) return refuse(bytes.error().message);
  const auto document = python::read_json(*bytes, python::ReadDepth::TopLevel);
  if (!document) return refuse(path + ": " + document.error().message);
  out = read_benchmark(*document);
  for (std::string& note : out.notes)
    note.insert(0, path + ": ");
  return out;
}

Expected<nlohmann::ordered_json> read_json_document(const std::string& path) {
  SWEEP_ASSIGN(const std::string bytes, read_file(path, python::kMaxJsonBytes));
  auto document = python::read_json(bytes);
  if (!document) return fail(python::json_error(bytes).value_or(document.error().message));
  return document;
}

std::optional<PatchFailure> patch_result_file(const std::string& path, bool valid, const Metrics& metrics,
                                              Roles roles, const std::string& tool, std::string& err) {
  if (!is_file(path)) {
    err +=
        printable("cannot write power into '" + path +
                  "': there is no such file; make it with sweepctl process-result or process-agentic first") +
        "\n";
    return PatchFailure{"aggregate_result_missing", "aggregate missing: " + path};
  }
  const auto patch = [&]() -> Expected<void> {
    SWEEP_ASSIGN(nlohmann::ordered_json result, read_json_document(path));
    SWEEP_TRY(patch_result(result, valid, metrics, roles));
    return write_output_file(path, python::json_text(result, 2));
  };
  const auto patched = patch();
  if (patched) return std::nullopt;
  err += printable("[" + tool + "] Failed to patch " + path + ": " + patched.error().message) + "\n";
  return PatchFailure{"aggregate_result_unwritable", patched.error().message};
}

Expected<void> write_json_file(const std::string& path, const nlohmann::ordered_json& document) {
  const std::string folder = sibling(path, "");
  if (!folder.empty()) SWEEP_TRY(make_directories(folder));
  return write_output_file(path, python::json_text(document, 2));
}

}  // namespace sweep::power
