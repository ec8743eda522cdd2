# What `cmake --install` puts where, beyond what each part says itself, and how it is taken away again.
#
# SWEEP_SYSCONF_DIR  where sweepctl looks for the site's profile (controller/profile), whatever the prefix
#
# Components: `programs` (all that does not say otherwise), `plugin` (for one version of Slurm), `sample` (the plugin's
# line for plugstack.conf, not in force). What is EXCLUDE_FROM_ALL is in packages only (cmake/packages.cmake).
#
# Rules: an edited profile of the site is neither written over nor removed. What an installation makes, files and
# folders, `cmake --build BUILD --target uninstall` removes, and nothing else.
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME programs)
set(SWEEP_SYSCONF_DIR "/etc/slurm-sweep" CACHE PATH "Where the site's profile lives")

# First of all, before anything is installed: which folders are not there yet.
set(SWEEP_INSTALL_FOLDERS
  ${CMAKE_INSTALL_FULL_BINDIR}
  ${CMAKE_INSTALL_FULL_MANDIR}/man1
  ${CMAKE_INSTALL_FULL_MANDIR}/man7
  ${CMAKE_INSTALL_FULL_DATADIR}/bash-completion/completions
  ${CMAKE_INSTALL_FULL_DATADIR}/slurm-sweep
  ${CMAKE_INSTALL_FULL_DOCDIR}
  ${SLURM_PLUGIN_DIR}
  ${SLURM_SYSCONF_DIR}/plugstack.conf.d
  ${SWEEP_SYSCONF_DIR})
configure_file(cmake/note_folders.cmake.in note_folders.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/note_folders.cmake COMPONENT folders)

configure_file(cmake/install_profile.cmake.in install_profile.cmake @ONLY)
install(SCRIPT ${CMAKE_BINARY_DIR}/install_profile.cmake)
install(FILES README.md ARCHITECTURE.md docs/admin.md docs/containers.md docs/security.md docs/simulated-server.md proto/PROTOCOL.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_file(cmake/uninstall.cmake.in uninstall.cmake @ONLY)
add_custom_target(uninstall
  COMMAND ${CMAKE_COMMAND} -P ${CMAKE_BINARY_DIR}/uninstall.cmake
  COMMENT "Removing what cmake --install has put into place"
  VERBATIM)
