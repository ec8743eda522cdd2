# controller/python.
sweep_unit_test(python_test
  LIBS sweep_python
  SOURCES
    python_json_error_test.cpp
    python_json_test.cpp
    python_math_test.cpp
    python_number_test.cpp
    python_text_test.cpp)
