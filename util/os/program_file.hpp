// Why a file cannot be started as a program, with the remedy.
#pragma once

#include <string>

namespace sweep {

/// Returns the reason for which the file at `path` cannot be started on any machine that has it: "Permission
/// denied; make it executable: chmod +x SHOWN", for example; "" if there is none or the file cannot be read.
/// `shown`: the path as the user wrote it.
std::string program_problem(const std::string& path, const std::string& shown);

/// Returns the interpreter that the first line of a script names, with all its characters; "" if the file is
/// not a script that begins with #!.
std::string interpreter_of(const std::string& path);

}  // namespace sweep
