# Defines the packages that `cpack -G DEB` and `cpack -G RPM` make (deploy/make-packages.sh runs them):
#
#   slurm-sweep                      programs, manual pages, completion, samples, the site profile
#   slurm-sweep-plugin-slurmXX.YY    the plugin, for the version of Slurm whose headers it was built with, and its line
#                                    for plugstack.conf, which takes effect at once
#
# Rules: both packages have the same version on a node. The plugin's package depends on a Slurm series, because Slurm
# refuses a plugin of another series. Files that an administrator may edit are marked as configuration files.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()  # the plugin contains the programs' paths, so cmake must know the prefix and cpack cannot choose it
endif()

set(SWEEP_PACKAGE_RELEASE "1" CACHE STRING "Release part of the packages' version")
set(plugin_package slurm-sweep-plugin-slurm${SLURM_SERIES})

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT programs EXCLUDE_FROM_ALL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${plugin_package} RENAME copyright
  COMPONENT plugin EXCLUDE_FROM_ALL)
install(FILES ${CMAKE_BINARY_DIR}/spank_plugin/sweep.conf.sample RENAME sweep.conf
  DESTINATION ${SLURM_SYSCONF_DIR}/plugstack.conf.d COMPONENT plugin EXCLUDE_FROM_ALL)

set(CPACK_PACKAGE_NAME slurm-sweep)
set(CPACK_PACKAGE_VENDOR "slurm-sweep")
set(CPACK_PACKAGE_CONTACT "slurm-sweep maintainers <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "inference benchmark sweeps on Slurm GPU clusters")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_COMPONENTS_ALL programs plugin)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_SET_DESTDIR ON)  # /etc and Slurm's PluginDir are outside of the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION "Runs inference benchmark sweeps on Slurm GPU clusters with srun --sweep-config=FILE. Contains controller, agent, load
generator and simulated server. The package of the plugin adds the options to srun.")
set(CPACK_COMPONENT_PLUGIN_DESCRIPTION "The SPANK plugin for Slurm ${SLURM_SERIES} that adds --sweep-config and related options to srun, sbatch and salloc.
Install it on every node and on every host where users start jobs.")

# --- deb --------------------------------------------------------------------------------------------------------

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${SWEEP_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME slurm-sweep)
# Without gnuplot there are no plots; without munge, agents are authenticated only by the sweep's key.
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS "gnuplot-nox | gnuplot, munge")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS "${plugin_package}, bash-completion")

set(CPACK_DEBIAN_PLUGIN_PACKAGE_NAME ${plugin_package})
set(CPACK_DEBIAN_PLUGIN_PACKAGE_DEPENDS "slurm-sweep (= ${PROJECT_VERSION}-${SWEEP_PACKAGE_RELEASE}), \
slurm-wlm-basic-plugins (>= ${SLURM_SERIES}), slurm-wlm-basic-plugins (<< ${SLURM_SERIES_AFTER}~)")
# A node has one Slurm and therefore one plugin.
set(CPACK_DEBIAN_PLUGIN_PACKAGE_PROVIDES slurm-sweep-plugin)
set(CPACK_DEBIAN_PLUGIN_PACKAGE_CONFLICTS slurm-sweep-plugin)
set(CPACK_DEBIAN_PLUGIN_PACKAGE_REPLACES slurm-sweep-plugin)

set(scripts ${CMAKE_BINARY_DIR}/packages)
file(WRITE ${scripts}/programs/conffiles "${SWEEP_SYSCONF_DIR}/profile.yaml\n")
file(WRITE ${scripts}/plugin/conffiles "${SLURM_SYSCONF_DIR}/plugstack.conf.d/sweep.conf\n")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_CONTROL_EXTRA ${scripts}/programs/conffiles)
set(CPACK_DEBIAN_PLUGIN_PACKAGE_CONTROL_EXTRA ${scripts}/plugin/conffiles)
foreach(script preinst postinst prerm postrm)
  configure_file(deploy/debian/plugin.${script}.in ${scripts}/plugin/${script} @ONLY)
  list(APPEND CPACK_DEBIAN_PLUGIN_PACKAGE_CONTROL_EXTRA ${scripts}/plugin/${script})
endforeach()

# --- rpm --------------------------------------------------------------------------------------------------------

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_RELOCATABLE OFF)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE ${SWEEP_PACKAGE_RELEASE})
set(CPACK_RPM_PACKAGE_LICENSE Apache-2.0)
set(CPACK_RPM_PACKAGE_GROUP "System Environment/Base")
set(CPACK_RPM_PROGRAMS_PACKAGE_NAME slurm-sweep)
set(CPACK_RPM_PROGRAMS_USER_FILELIST "%config(noreplace) ${SWEEP_SYSCONF_DIR}/profile.yaml")
set(CPACK_RPM_PLUGIN_PACKAGE_NAME ${plugin_package})
set(CPACK_RPM_PLUGIN_PACKAGE_REQUIRES "slurm-sweep = ${PROJECT_VERSION}-${SWEEP_PACKAGE_RELEASE}, \
slurm >= ${SLURM_SERIES}, slurm < ${SLURM_SERIES_AFTER}")
set(CPACK_RPM_PLUGIN_PACKAGE_PROVIDES slurm-sweep-plugin)
set(CPACK_RPM_PLUGIN_PACKAGE_CONFLICTS slurm-sweep-plugin)
set(CPACK_RPM_PLUGIN_USER_FILELIST "%config(noreplace) ${SLURM_SYSCONF_DIR}/plugstack.conf.d/sweep.conf")
# The packages must not own folders of the system or of Slurm.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
  /etc ${SLURM_SYSCONF_DIR} ${SLURM_SYSCONF_DIR}/plugstack.conf.d /usr/share/man /usr/share/man/man1 /usr/share/man/man7
  /usr/share/doc /usr/share/bash-completion /usr/share/bash-completion/completions ${SLURM_PLUGIN_DIR}
  ${CMAKE_INSTALL_FULL_LIBDIR})

include(CPack)
