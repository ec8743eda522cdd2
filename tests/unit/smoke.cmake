# benchmarks/statistics.hpp, benchmarks/progress_line.hpp and the program cpu-smoke.
sweep_unit_test(smoke_test
  LIBS sweep_util
  SOURCES smoke_test.cpp)
target_compile_definitions(smoke_test PRIVATE
  CPU_SMOKE_PROGRAM="$<TARGET_FILE:cpu-smoke>"
  CPU_SMOKE_SCRIPT="${CMAKE_SOURCE_DIR}/benchmarks/cpu_smoke.sh")
add_dependencies(smoke_test cpu-smoke)
