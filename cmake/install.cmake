# Installs the files that no other CMakeLists.txt installs, and defines the target `uninstall`.
#
# SWEEP_SYSCONF_DIR  where sweepctl looks for the site profile (controller/profile), independent of the prefix
#
# Components: `programs` (the default), `plugin` (for one version of Slurm), `sample` (the plugin's line for
# plugstack.conf, as a sample that has no effect). Files marked EXCLUDE_FROM_ALL are only in packages
# (cmake/packages.cmake).
#
# Rules: an edited site profile is neither overwritten nor removed. `cmake --build BUILD --target uninstall` removes
# exactly the files and folders that the installation has created.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME programs)
set(SWEEP_SYSCONF_DIR "/etc/slurm-sweep" CACHE PATH "Folder of the site profile")

# Before anything is installed, notes which folders do not exist yet.
set(SWEEP_INSTALL_FOLDERS
  ${CMAKE_INSTALL_FULL_BINDIR}
  ${CMAKE_INSTALL_FULL_MANDIR}/man1
  ${CMAKE_INSTALL_FULL_MANDIR}/man7
  ${CMAKE_INSTALL_FULL_DATADIR}/bash-completion/completions
  ${CMAKE_INSTALL_FULL_DATADIR}/slurm-sweep
  ${CMAKE_INSTALL_FULL_DOCDIR}
  ${CMAKE_INSTALL_FULL_DOCDIR}/docs
  ${CMAKE_INSTALL_FULL_DOCDIR}/docs/images
  ${CMAKE_INSTALL_FULL_DOCDIR}/proto
  ${SLURM_PLUGIN_DIR}
  ${SLURM_SYSCONF_DIR}/plugstack.conf.d
  ${SWEEP_SYSCONF_DIR})
configure_file(cmake/note_folders.cmake.in note_folders.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/note_folders.cmake COMPONENT folders)

configure_file(cmake/install_profile.cmake.in install_profile.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/install_profile.cmake)
# The same layout as in the source tree, so that links from page to page lead somewhere.
install(FILES README.md ARCHITECTURE.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES proto/PROTOCOL.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/proto)
install(FILES
  docs/README.md
  docs/admin.md
  docs/containers.md
  docs/getting-started.md
  docs/migrating.md
  docs/power.md
  docs/reference.md
  docs/results.md
  docs/resume-and-failures.md
  docs/security.md
  docs/simulated-server.md
  docs/sweeps.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs)
install(FILES docs/images/throughput-vs-interactivity.png DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs/images)

configure_file(cmake/uninstall.cmake.in uninstall.cmake @ONLY)
add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -P ${CMAKE_BINARY_DIR}/uninstall.cmake
  COMMENT "Removing the files that cmake --install has installed"
  VERBATIM)
