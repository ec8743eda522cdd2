#include "controller/io/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "proto/base/text.hpp"

namespace sweep {

namespace {

constexpr unsigned long kMostFaults = 200;

std::shared_ptr<spdlog::logger> make_logger(const std::string& path) {
  spdlog::sink_ptr sink;
  try {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(path);
  } catch (const spdlog::spdlog_ex&) {
    sink = std::make_shared<spdlog::sinks::null_sink_st>();
  }
  auto logger = std::make_shared<spdlog::logger>("controller", std::move(sink));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  logger->flush_on(spdlog::level::info);
  // A full disk is told of elsewhere; it must not end the sweep here.
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

}  // namespace

Log::Log(const std::string& path) : logger_(make_logger(path)) {}

void Log::info(const std::string& text) {
  logger_->info("{}", printable(text));
}

void Log::peer_fault(const std::string& text) {
  ++faults_;
  if (faults_ <= kMostFaults) logger_->warn("{}", printable(text));
  if (faults_ == kMostFaults) logger_->warn("further faults of peers are counted, not logged");
}

}  // namespace sweep
