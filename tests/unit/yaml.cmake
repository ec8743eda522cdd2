# controller/yaml.
sweep_unit_test(yaml_test
  LIBS sweep_util_os sweep_yaml sweep_yaml_cpp
  SOURCES
    yaml_differential_test.cpp
    yaml_document_test.cpp
    yaml_scalar_test.cpp)
