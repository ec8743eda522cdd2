# benchmarks/gguf_model.hpp and the program random-gguf.
sweep_unit_test(gguf_test
  LIBS sweep_gguf sweep_util_os
  SOURCES gguf_test.cpp)
target_compile_definitions(gguf_test PRIVATE RANDOM_GGUF_PROGRAM="$<TARGET_FILE:random-gguf>")
add_dependencies(gguf_test random-gguf)
