// A folder for this user only, in a directory in which others can create files too: /tmp, /dev/shm.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep {

struct PrivateFolder {
  std::string path;
  std::string note;  // for people: why the folder has another name; only when that folder was just created
};

/// Returns ROOT/NAME, created with mode 0700. If that name is a link or file, belongs to another user, or is
/// open to others, ROOT/NAME-2, ROOT/NAME-3, … is used instead, so that no user can block another one by
/// taking the name. All processes of the user on the machine choose the same folder. Returns an error that
/// names the folder and the reason if none can be created.
Expected<PrivateFolder> private_folder(const std::string& root, const std::string& name);

}  // namespace sweep
