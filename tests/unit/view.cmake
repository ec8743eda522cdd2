# controller/view.
sweep_unit_test(view_test
  LIBS sweep_view
  SOURCES
    view_endings_test.cpp
    view_lines_test.cpp
    view_log_files_test.cpp
    view_plan_table_test.cpp
    view_provenance_test.cpp
    view_resume_test.cpp
    view_scores_test.cpp
    view_status_test.cpp)
