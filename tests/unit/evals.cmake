# controller/evals.
sweep_unit_test(evals_test
  LIBS sweep_evals sweep_util_os
  SOURCES
    evals_batch_test.cpp
    evals_command_test.cpp
    evals_point_test.cpp
    evals_rows_test.cpp
    evals_scores_test.cpp
    evals_set_test.cpp)
