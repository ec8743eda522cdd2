# proto/base.
sweep_unit_test(base_test
  LIBS sweep_base
  SOURCES
    base_test.cpp
    help_layout_test.cpp
    option_names_test.cpp)
