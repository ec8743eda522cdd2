# controller/io: who is admitted, and the rate limits of the log.
sweep_unit_test(guard_test
  LIBS sweep_controller_io
  SOURCES
    guard_admission_test.cpp
    guard_log_test.cpp
    guard_supervisor_link_test.cpp)
