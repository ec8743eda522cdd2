#include "controller/matrix/matrix_files.hpp"

#include <malloc.h>

#include <filesystem>

#include "util/os/files.hpp"

namespace sweep::matrix {

MatrixFile read_matrix_file(const std::string& name) {
  MatrixFile out;
  out.name = name;
  std::error_code ignored;
  out.missing = std::filesystem::status(name, ignored).type() == std::filesystem::file_type::not_found;
  if (out.missing) return out;
  const auto bytes = read_file(name, yaml::kMaxFileBytes);
  if (bytes) return parse_matrix_file(name, *bytes);
  out.unreadable = bytes.error().message;
  return out;
}

MatrixFile parse_matrix_file(const std::string& name, std::string_view bytes) {
  MatrixFile out;
  out.name = name;
  auto document = yaml::parse_document(bytes);
  if (document) {
    out.document = *std::move(document);
  } else {
    out.invalid = document.error().message;
  }
  return out;
}

std::vector<MatrixFile> read_matrix_files(const std::vector<std::string>& names) {
  std::vector<MatrixFile> out;
  out.reserve(names.size());
  for (const std::string& name : names)
    out.push_back(read_matrix_file(name));
  return out;
}

void release_free_memory([[maybe_unused]] std::size_t entries) {
#ifdef __GLIBC__
  constexpr std::size_t kMany = 2'000;  // below, it would take longer than it is worth
  if (entries >= kMany) ::malloc_trim(0);
#endif
}

Evidences evidence_of(const std::vector<MatrixFile>& files) {
  Evidences out;
  for (const MatrixFile& file : files) {
    if (file.is_mapping()) add_evidence(*file.document, file.name, out);
  }
  return out;
}

}  // namespace sweep::matrix
