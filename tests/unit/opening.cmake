# controller/io/opening, sweep_request, start_checks, matrix_change, output_dir and text_store: how a controller opens its
# sweep; and point_evals.
sweep_unit_test(opening_test
  LIBS sweep_controller_io
  SOURCES
    opening_benchmark_gaps_test.cpp
    opening_config_files_test.cpp
    opening_directory_watch_test.cpp
    opening_incoming_files_test.cpp
    opening_matrix_test.cpp
    opening_recovery_test.cpp
    opening_request_test.cpp
    opening_resume_test.cpp
    opening_start_checks_test.cpp
    opening_take_over_test.cpp
    opening_text_store_test.cpp
    point_evals_test.cpp)
