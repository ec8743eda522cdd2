# proto/base.
sweep_unit_test(base_test
  LIBS sweep_base
  SOURCES
    base_test.cpp
    help_layout_test.cpp
    line_queue_test.cpp
    silence_watch_test.cpp)
