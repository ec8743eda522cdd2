# controller/report.
sweep_unit_test(report_test
  LIBS sweep_report sweep_net
  SOURCES
    report_command_test.cpp
    report_contract_test.cpp
    report_documents_test.cpp
    report_draw_test.cpp
    report_environment_test.cpp
    report_frontier_test.cpp
    report_github_table_test.cpp
    report_highlights_test.cpp
    report_inferencex_record_test.cpp
    report_labels_test.cpp
    report_plot_test.cpp
    report_process_test.cpp
    report_property_test.cpp
    report_repeats_test.cpp
    report_summary_test.cpp
    report_validity_test.cpp)
