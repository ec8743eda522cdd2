// Reads the files of a matrix, each once. What is wrong with a file is kept until it is needed, because the
// content of the other files decides what is reported first.
#pragma once

#include <string>
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

/// Returns the files in this order.
std::vector<MatrixFile> read_matrix_files(const std::vector<std::string>& names);

/// Returns the evidence in the files that could be read.
Evidences evidence_of(const std::vector<MatrixFile>& files);

}  // namespace sweep::matrix
