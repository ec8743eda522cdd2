# What controller/io keeps out, and how much it says about it.
sweep_unit_test(guard_test
  LIBS sweep_controller_io
  SOURCES
    guard_admission_test.cpp
    guard_log_test.cpp)
