# The arrows of ARCHITECTURE.md, section "Who knows what".
sweep_unit_test(includes_test
  SOURCES includes_test.cpp)
