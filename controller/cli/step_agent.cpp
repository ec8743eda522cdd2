#include "controller/cli/step_agent.hpp"

#include <link.h>
#include <unistd.h>

#include <filesystem>

#include "container/io/tools.hpp"
#include "proto/net/munge.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"

namespace sweep::cli {

namespace {

/// Returns the file of the dynamic loader that started this program. Symbolic links are resolved, because in
/// the image they would lead elsewhere.
std::string own_loader() {
  std::string path;
  const auto find_loader = [](dl_phdr_info* program, std::size_t, void* out) {
    for (int i = 0; i < program->dlpi_phnum; ++i) {
      const auto& part = program->dlpi_phdr[i];
      if (part.p_type != PT_INTERP) continue;
      *static_cast<std::string*>(out) = reinterpret_cast<const char*>(program->dlpi_addr + part.p_vaddr);
    }
    return 1;  // stop: the first entry is the program itself
  };
  ::dl_iterate_phdr(find_loader, &path);
  std::error_code code;
  return std::filesystem::canonical(path, code).string();
}

/// Returns the folders that the image must have at the same path as the host: those of the spool and of
/// munged's socket.
std::vector<std::string> shared_folders(const profile::Profile& profile) {
  std::vector<std::string> folders;
  folders.reserve(4);
  folders.emplace_back("/tmp");
  // The agent creates the spool, so its nearest existing parent must be in the image.
  std::filesystem::path spool(profile.spool);
  std::error_code code;
  while (spool.has_relative_path() && !std::filesystem::exists(spool, code))
    spool = spool.parent_path();
  if (spool.has_relative_path()) folders.push_back(spool.string());
  const MungePlace munge = munge_place();
  const std::filesystem::path socket = munge.socket.empty() ? "/run/munge/munge.socket.2" : munge.socket;
  if (!std::filesystem::exists(socket, code)) return folders;
  folders.push_back(socket.parent_path().string());
  if (!munge.socket.empty()) folders.push_back(munge.slurm_conf);
  return folders;
}

}  // namespace

Expected<container::StepVariables> variables_of_step(container::StepRequest request,
                                                     const profile::Profile& profile,
                                                     const std::string& agent) {
  std::error_code code;
  if (request.workspace.empty()) request.workspace = std::filesystem::current_path(code).string();
  const std::string named = agent.empty() ? agent_program() : agent;
  const std::string found =
      named.starts_with('/') ? named : container::find_program(named, own_environment());
  // Resolved, because in the image a symbolic link would lead elsewhere.
  const std::string program = std::filesystem::canonical(found, code).string();
  return container::step_variables(
      request, {program.empty() ? found : program, own_loader(), shared_folders(profile)});
}

std::string agent_program() {
  const std::string own = own_executable();
  const std::string beside = own.substr(0, own.rfind('/') + 1) + "sweep-agent";
  return ::access(beside.c_str(), X_OK) == 0 ? beside : "sweep-agent";
}

}  // namespace sweep::cli
