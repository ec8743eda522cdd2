# controller/matrix.
sweep_unit_test(matrix_test
  LIBS sweep_matrix sweep_net
  SOURCES
    inferencex_evals_test.cpp
    inferencex_rows_test.cpp
    inferencex_runner_file_test.cpp
    inferencex_validation_test.cpp
    matrix_command_test.cpp
    matrix_contract_test.cpp
    matrix_generation_test.cpp
    matrix_load_test.cpp
    matrix_options_test.cpp
    matrix_property_test.cpp
    matrix_repeat_test.cpp
    matrix_short_form_test.cpp
    matrix_subcommands_test.cpp
    matrix_typos_test.cpp
    matrix_validation_test.cpp)
