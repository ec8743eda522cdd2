# util and proto/base.
sweep_unit_test(base_test
  LIBS sweep_base sweep_command_line sweep_util_os
  SOURCES
    artifact_test.cpp
    base_test.cpp
    beneath_test.cpp
    command_line_test.cpp
    container_spec_test.cpp
    fields_test.cpp
    files_test.cpp
    help_layout_test.cpp
    inferencex_entry_test.cpp
    line_queue_test.cpp
    option_names_test.cpp
    outcome_test.cpp
    pause_watch_test.cpp
    point_test.cpp
    run_program_test.cpp
    secrets_test.cpp
    silence_watch_test.cpp
    standard_streams_test.cpp
    text_test.cpp)
