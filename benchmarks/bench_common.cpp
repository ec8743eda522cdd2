#include "benchmarks/bench_common.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "util/os/files.hpp"

namespace sweep::bench {

namespace {

// Returns the kernel's name for the type of the file system that contains `path`.
std::string file_system(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "unknown";
  const std::string device = std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id, parent, its_device, word;
    words >> id >> parent >> its_device;
    if (its_device != device) continue;
    while (words >> word && word != "-") {
    }
    words >> word;
    return word;
  }
  return "unknown";
}

}  // namespace

double load_average() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

void print_machine(const std::string& directory, double load) {
  utsname system{};
  ::uname(&system);
  const std::string release = system.release;  // 6.18.44-name; only the first two numbers are printed
  const std::string version =
      release.substr(0, release.find_first_not_of("0123456789", release.find('.') + 1));
  std::printf("machine: %u cores, %s %s, %s on %s, load %.2f\n", std::thread::hardware_concurrency(),
              system.sysname, version.c_str(), file_system(directory).c_str(), directory.c_str(), load);
  std::fflush(stdout);
}

void print_if_busy(double load) {
  if (load > std::thread::hardware_concurrency())
    std::puts("warning: the load exceeded the number of cores; repeat the benchmark on an idle machine");
}

void print_aim(const std::string& what, bool met, const std::string& measured) {
  std::printf("aim: %s ... %s (%s)\n", what.c_str(), met ? "met" : "missed", measured.c_str());
  std::fflush(stdout);
}

std::string formatted(const char* format, ...) {
  char buffer[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

std::string program_directory() {
  const std::string own = own_executable();
  return own.substr(0, own.rfind('/'));
}

Expected<WorkFolder> WorkFolder::make(const std::string& parent, const std::string& name) {
  const std::string type = file_system(parent);
  if (type == "tmpfs" || type == "ramfs") {
    return fail("cannot measure in '" + parent + "': it is in memory (" + type +
                "), where a commit costs nothing; give a directory on a disk with --dir");
  }
  std::string path = parent + "/" + name + "-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr)
    return fail("cannot create a directory in '" + parent + "': " + errno_text(errno));
  return WorkFolder(path);
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!path.empty()) std::filesystem::remove_all(path, ignored);
}

}  // namespace sweep::bench
