// bench-noop: a benchmark of the InferenceMAX contract that does nothing, for measuring the overhead around
// it.
//
// It writes a result that passes every check; its numbers are invented and marked as such ("stand_in"). If
// BENCH_NOOP_STAMPS names a file, it appends one NoopStamps with the clock at the first line of main and just
// before exit. It is linked statically and without the C++ run-time library, so that starting it is as cheap
// as possible.
#include "benchmarks/bench_noop.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "benchmarks/monotonic_clock.hpp"

namespace {

bool write_whole(const char* path, int flags, const void* bytes, std::size_t size) {
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) return false;
  const bool done = ::write(fd, bytes, size) == static_cast<ssize_t>(size);
  ::close(fd);
  return done;
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool write_result() {
  char path[4096], result[1024];
  const int path_size = std::snprintf(path, sizeof path, "%s.json", variable("RESULT_FILENAME"));
  const int size = std::snprintf(
      result, sizeof result,
      "{\"backend\": \"noop\", \"model_id\": \"noop\", \"max_concurrency\": %d, \"duration\": 1.0, "
      "\"completed\": 1, "
      "\"request_throughput\": 1.0, "
      "\"output_throughput\": 1.0, \"total_token_throughput\": 2.0, "
      "\"mean_ttft_ms\": 1.0, \"median_ttft_ms\": 1.0, \"std_ttft_ms\": 0.0, \"p99_ttft_ms\": 1.0, "
      "\"mean_tpot_ms\": 1.0, \"median_tpot_ms\": 1.0, \"std_tpot_ms\": 0.0, \"p99_tpot_ms\": 1.0, "
      "\"mean_itl_ms\": 1.0, \"median_itl_ms\": 1.0, \"std_itl_ms\": 0.0, \"p99_itl_ms\": 1.0, "
      "\"mean_e2el_ms\": 1.0, \"median_e2el_ms\": 1.0, \"std_e2el_ms\": 0.0, \"p99_e2el_ms\": 1.0, "
      "\"stand_in\": \"noop\"}\n",
      std::atoi(variable("CONC")));
  if (path_size >= static_cast<int>(sizeof path) || size >= static_cast<int>(sizeof result)) return false;
  return write_whole(path, O_TRUNC, result, static_cast<std::size_t>(size));
}

}  // namespace

int main() {
  sweep::bench::NoopStamps stamps{.start_ns = sweep::bench::monotonic_ns()};
  if (!write_result()) ::_exit(1);
  if (const char* file = variable("BENCH_NOOP_STAMPS"); *file != '\0') {
    stamps.end_ns = sweep::bench::monotonic_ns();
    if (!write_whole(file, O_APPEND, &stamps, sizeof stamps)) ::_exit(1);
  }
  ::_exit(0);
}
