// logs/controller.log: what the controller saw that people need only when something is wrong.
//
// Rules: never a secret; what a peer sent is made printable; a peer that misbehaves cannot fill the disk.
#pragma once

#include <memory>
#include <string>

namespace spdlog {
class logger;
}

namespace sweep {

class Log {
 public:
  /// Where the file cannot be made nothing is logged.
  explicit Log(const std::string& path);

  void info(const std::string& text);
  /// What a peer did wrong; only the first few hundred are kept, the rest is counted.
  void peer_fault(const std::string& text);
  unsigned long faults() const { return faults_; }

 private:
  std::shared_ptr<spdlog::logger> logger_;
  unsigned long faults_ = 0;
};

}  // namespace sweep
