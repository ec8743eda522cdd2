# proto/net.
sweep_unit_test(net_test
  LIBS sweep_net
  SOURCES
    net_accept_gate_test.cpp
    net_address_test.cpp
    net_connection_test.cpp
    net_munge_test.cpp
    net_output_file_test.cpp
    net_process_test.cpp
    net_sockets_test.cpp
    net_strangers_test.cpp
    net_test.cpp
    queued_writer_test.cpp)
