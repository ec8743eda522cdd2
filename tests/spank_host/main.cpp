// Runs the tests. If it is called as the plugin calls sweepctl, it writes what it has inherited into the file
// that SPANK_HOST_PROBE names, with the command's name appended.
#include <dirent.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

namespace {

// Far more than all tests take together: ends a test that waits for ever.
constexpr unsigned kAlarmSeconds = 300;

// Prints lines such as "fd 0 /dev/null". Inode numbers are cut off: pipe:[123] becomes "pipe:".
void list_descriptors(std::ostream& out) {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  while (const dirent* const entry = readdir(folder)) {
    if (entry->d_name[0] == '.' || std::stoi(entry->d_name) == dirfd(folder)) continue;
    char target[4096] = "";
    const std::string link = std::string("/proc/self/fd/") + entry->d_name;
    if (readlink(link.c_str(), target, sizeof target - 1) < 0) continue;
    const std::string text = target;
    out << "fd " << entry->d_name << " " << text.substr(0, text.find('[')) << "\n";
  }
  closedir(folder);
}

void list_signals(std::ostream& out) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, 6, "SigBlk") == 0 || line.compare(0, 6, "SigIgn") == 0) out << line << "\n";
  }
}

int probe(const std::string& command, const std::string& file) {
  std::ostringstream seen;
  list_descriptors(seen);
  list_signals(seen);
  std::ofstream(file + "." + command) << seen.str();
  if (command == "check") return 0;
  const std::string line =
      "ready tcp://127.0.0.1:5555 " + std::string(40, 'S') + " " + std::string(40, 'c') + "\n";
  if (write(4, line.data(), line.size()) < 0) return 1;
  close(4);
  char end = 0;
  return read(3, &end, 1) == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  const char* const file = std::getenv("SPANK_HOST_PROBE");
  const std::string command = count > 1 ? words[1] : "";
  if (file != nullptr && (command == "check" || command == "serve")) return probe(command, file);
  testing::InitGoogleTest(&count, words);
  alarm(kAlarmSeconds);
  return RUN_ALL_TESTS();
}
