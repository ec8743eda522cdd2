# controller/compare.
sweep_unit_test(compare_test
  LIBS sweep_compare sweep_util_os
  SOURCES
    compare_command_test.cpp
    compare_comparison_test.cpp)
