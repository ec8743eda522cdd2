# The packages that `cpack -G DEB` and `cpack -G RPM` make (deploy/make-packages.sh runs them):
#
#   slurm-sweep                      programs, manual pages, completion, samples, the site's profile
#   slurm-sweep-plugin-slurmXX.YY    the plugin, for the version of Slurm whose headers it was built with, and its line for
#                                    plugstack.conf, in force
#
# Rules: both are of one version on a node. A plugin's package depends on Slurm's series, for Slurm refuses a plugin of
# another one. What an administrator edits is a configuration file to the package manager.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()  # the programs' place is in the plugin, so the prefix is chosen here and not by cpack
endif()

set(SWEEP_PACKAGE_RELEASE "1" CACHE STRING "What stands behind the version in the packages' version")
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
set(CPACK_SET_DESTDIR ON)  # /etc and Slurm's PluginDir are no part of the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION "srun --sweep-config=FILE turns an allocation into a crew of agents that work through a benchmark matrix. Controller,
agent, load generator and simulated server; for srun's options the package of the plugin is needed too.")
set(CPACK_COMPONENT_PLUGIN_DESCRIPTION "The SPANK plugin for Slurm ${SLURM_SERIES} that gives srun, sbatch and salloc --sweep-config and its companions. Needed on every node and
wherever users start jobs.")

# --- deb --------------------------------------------------------------------------------------------------------

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${SWEEP_PACKAGE_RELEASE})
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME slurm-sweep)
# Without them: no plots, and agents that show their key alone.
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_RECOMMENDS "gnuplot-nox | gnuplot, munge")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS "${plugin_package}, bash-completion")

set(CPACK_DEBIAN_PLUGIN_PACKAGE_NAME ${plugin_package})
set(CPACK_DEBIAN_PLUGIN_PACKAGE_DEPENDS "slurm-sweep (= ${PROJECT_VERSION}-${SWEEP_PACKAGE_RELEASE}), \
slurm-wlm-basic-plugins (>= ${SLURM_SERIES}), slurm-wlm-basic-plugins (<< ${SLURM_SERIES_AFTER}~)")
# One Slurm on a node, one plugin.
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
# Folders of the system and of Slurm's are not ours to own.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
  /etc ${SLURM_SYSCONF_DIR} ${SLURM_SYSCONF_DIR}/plugstack.conf.d /usr/share/man /usr/share/man/man1 /usr/share/man/man7
  /usr/share/doc /usr/share/bash-completion /usr/share/bash-completion/completions ${SLURM_PLUGIN_DIR}
  ${CMAKE_INSTALL_FULL_LIBDIR})

include(CPack)
