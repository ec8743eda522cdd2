#include "controller/report/github_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

// What the cells of a column have in common, from special to general.
enum class CellKind { Nothing, Truth, Integer, Number, Text };

CellKind kind_of_text(const std::string& text) {
  if (text == "True" || text == "False") return CellKind::Truth;
  if (python::parse_int(text)) return CellKind::Integer;
  const auto number = python::parse_float(text);
  if (!number) return CellKind::Text;
  // tabulate takes these words for numbers only if they are spelled so.
  if (!std::isfinite(*number) && text != "inf" && text != "-inf" && text != "nan") return CellKind::Text;
  return CellKind::Number;
}

CellKind kind_of(const Json& cell) {
  if (cell.is_null()) return CellKind::Nothing;
  if (cell.is_boolean()) return CellKind::Truth;
  if (cell.is_number_integer()) return CellKind::Integer;
  if (cell.is_number_float()) return CellKind::Number;
  return cell.is_string() ? kind_of_text(cell.get_ref<const std::string&>()) : CellKind::Text;
}

std::string general_format(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%g", value);
  return std::isnan(value) ? "nan" : text;
}

std::string cell_as(CellKind column, const Json& cell) {
  if (cell.is_null()) return {};
  if (column == CellKind::Number) return general_format(python::float_of(cell).value_or(0));
  const std::string text = printable(python::str_of(cell));
  return column == CellKind::Integer ? text : std::string(trimmed(text, " \t\n\r\f\v"));
}

// Returns the number of characters after the decimal point; -1 if `cell` has none or is not a number.
int digits_after_point(const std::string& cell) {
  const CellKind kind = kind_of_text(cell);
  if (kind != CellKind::Number) return -1;
  std::size_t at = cell.rfind('.');
  if (at == std::string::npos) at = cell.find_last_of("eE");
  return at == std::string::npos ? -1 : static_cast<int>(cell.size() - at - 1);
}

std::string blanks(std::size_t wanted, std::size_t present) {
  return std::string(wanted - std::min(wanted, present), ' ');
}

// One column: its header and its cells, all of the same width.
struct GithubColumn {
  std::vector<std::string> cells;  // the header first
  std::size_t width = 0;
};

void align_points(std::vector<std::string>& cells) {
  int most = -1;
  for (const std::string& cell : cells)
    most = std::max(most, digits_after_point(cell));
  for (std::string& cell : cells)
    cell.append(static_cast<std::size_t>(most - digits_after_point(cell)), ' ');
}

GithubColumn make_column(const std::string& header, std::span<const TableCells> rows, std::size_t index) {
  constexpr std::size_t kRoomBesideHeader = 2;
  CellKind kind = CellKind::Truth;
  for (const TableCells& row : rows)
    kind = std::max(kind, kind_of(row[index]));
  const bool right = kind == CellKind::Integer || kind == CellKind::Number;
  GithubColumn out;
  for (const TableCells& row : rows)
    out.cells.push_back(cell_as(kind, row[index]));
  if (right) align_points(out.cells);
  out.width = characters(header) + kRoomBesideHeader;
  for (const std::string& cell : out.cells)
    out.width = std::max(out.width, characters(cell));
  out.cells.insert(out.cells.begin(), header);
  for (std::string& cell : out.cells) {
    const std::string padding = blanks(out.width, characters(cell));
    cell = right ? padding + cell : cell + padding;
  }
  return out;
}

}  // namespace

std::string github_table(std::span<const std::string> headers, std::span<const TableCells> rows) {
  std::vector<GithubColumn> columns;
  for (std::size_t i = 0; i < headers.size(); ++i)
    columns.push_back(make_column(headers[i], rows, i));
  std::string out;
  for (std::size_t line = 0; line <= rows.size(); ++line) {
    out += "|";
    for (const GithubColumn& column : columns)
      out += " " + column.cells[line] + " |";
    out += "\n";
    if (line > 0) continue;
    out += "|";
    for (const GithubColumn& column : columns)
      out += std::string(column.width + 2, '-') + "|";
    out += "\n";
  }
  return out;
}

}  // namespace sweep::report
