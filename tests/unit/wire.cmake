# proto/wire, and proto/PROTOCOL.md against it.
sweep_unit_test(wire_test
  LIBS sweep_wire
  SOURCES
    wire_limits_test.cpp
    wire_test.cpp)
