#include "controller/report/result_command.hpp"

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/report/client_result.hpp"
#include "util/os/files.hpp"
#include "util/os/output_file.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

// A client's result and its name, which is also that of the record.
struct NamedResult {
  std::string filename, path, bytes;
};

Expected<NamedResult> read_named_result(const Lookup& lookup) {
  NamedResult out;
  out.filename = lookup("RESULT_FILENAME").value_or("");
  if (out.filename.empty())
    return fail("RESULT_FILENAME is not set or empty; set it to the name of the result file without .json");
  out.path = out.filename + ".json";
  auto bytes = read_file(out.path, python::kMaxJsonBytes);
  if (!bytes)
    return fail(printable(bytes.error().message) + "; RESULT_FILENAME must be the file's name without .json");
  out.bytes = std::move(*bytes);
  return out;
}

// Warns about statistics that are in the result but cannot be in the record, and about those that are
// missing.
void report_statistics(const NamedResult& file, const Json& result, CommandOutput& output) {
  const std::string path = printable(file.path) + ": ";
  if (const std::string note = omitted_statistics(result); !note.empty()) add_warning(output, path + note);
  if (!check_result(file.bytes)) return;
  if (const std::string note = missing_statistics(result); !note.empty()) add_warning(output, path + note);
}

// Writes and prints the record. Returns false if it could not be written.
bool write_record(const NamedResult& file, const Json& record, CommandOutput& output) {
  const std::string text = python::json_text(record, 2);
  output.out = text + "\n";
  const auto written = write_output_file(agg_path(file.filename), text);
  if (!written) add_error(output, printable(written.error().message));
  return written.has_value();
}

// Returns dir/power_validation_NAME.json for the result dir/NAME.
std::string sidecar_path(const std::string& filename) {
  const std::size_t slash = filename.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return filename.substr(0, name) + "power_validation_" + filename.substr(name) + ".json";
}

void add_power(const InferencexPoint& point, const NamedResult& file, const PowerStep& power,
               CommandOutput& output) {
  const std::string record = agg_path(file.filename);
  const CommandOutput done = power({point, file.path, record, sidecar_path(file.filename)});
  output.err += done.err;
  if (done.status != 0) output.status = done.status;
  if (const auto rewritten = read_file(record, python::kMaxJsonBytes)) {
    output.out = done.out + *rewritten + "\n";
  } else {
    add_error(output, printable(rewritten.error().message));
  }
}

}  // namespace

CommandOutput run_process_result(const Lookup& lookup, const PowerStep& power) {
  const bool inferencex = generation_of(lookup).generation == Generation::InferenceX;
  CommandOutput output;
  const auto ended_by = [&](const std::string& message) {
    add_error(output, message);
    return output;
  };
  Expected<InferencexPoint> point;
  if (inferencex) {
    for (const std::string& note : unclear_switches(lookup))
      add_warning(output, note);
    point = inferencex_point(lookup);
    if (!point) return ended_by(point.error().message);
  }
  const auto file = read_named_result(lookup);
  if (!file) return ended_by(file.error().message);
  const auto result = read_result(file->bytes);
  if (!result) return ended_by(printable(file->path) + ": " + result.error().message);
  const auto record =
      inferencex ? inferencex_record(*point, *result) : process_checked(result_context(lookup), *result);
  if (!record) return ended_by(printable(file->path) + ": " + record.error().message);
  report_statistics(*file, *result, output);
  if (write_record(*file, *record, output) && inferencex && power) add_power(*point, *file, power, output);
  return output;
}

}  // namespace sweep::report
