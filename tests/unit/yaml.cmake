# controller/yaml.
sweep_unit_test(yaml_test
  LIBS sweep_yaml
  SOURCES
    yaml_document_test.cpp
    yaml_scalar_test.cpp)
