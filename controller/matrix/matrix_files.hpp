// Reads the files of a matrix, each once. What is wrong with a file is kept until it is needed, because the
// content of the other files decides what is reported first.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/generation.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// One file. `problem` is empty if `document` has its content.
struct MatrixFile {
  std::string name;
  bool missing = false;
  std::string unreadable;   // why the file cannot be read
  std::string invalid;      // why its content is not YAML
  yaml::ValueRef document;  // nullptr if there is a problem

  bool is_mapping() const { return document && document->is(yaml::Kind::Dict); }
};

/// Returns the file `name` with its content or its problem.
MatrixFile read_matrix_file(const std::string& name);

/// Returns the file `name` with the content `bytes`.
MatrixFile parse_matrix_file(const std::string& name, std::string_view bytes);

/// Returns the files in this order.
std::vector<MatrixFile> read_matrix_files(const std::vector<std::string>& names);

/// Returns the memory of documents that have been freed to the system if they had many entries. The C library
/// would keep it, although the rows and the text of a large matrix go into new memory.
void release_free_memory(std::size_t entries);

/// Returns the evidence in the files that could be read.
Evidences evidence_of(const std::vector<MatrixFile>& files);

}  // namespace sweep::matrix
