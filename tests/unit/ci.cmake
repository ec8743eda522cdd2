# controller/ci.
sweep_unit_test(ci_test
  LIBS sweep_ci sweep_net
  SOURCES
    ci_append_only_test.cpp
    ci_changelog_test.cpp
    ci_priority_test.cpp
    ci_revision_test.cpp
    ci_rows_test.cpp)
