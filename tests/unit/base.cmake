# util and proto/base.
sweep_unit_test(base_test
  LIBS sweep_base sweep_command_line sweep_util_os
  SOURCES
    base_test.cpp
    beneath_test.cpp
    command_line_test.cpp
    help_layout_test.cpp
    inferencex_entry_test.cpp
    line_queue_test.cpp
    option_names_test.cpp
    pause_watch_test.cpp
    secrets_test.cpp
    silence_watch_test.cpp)
