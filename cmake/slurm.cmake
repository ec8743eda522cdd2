# Where this machine's Slurm keeps its headers and its plugins.
#
# SLURM_INCLUDE_DIR  the folder that holds slurm/spank.h
# SLURM_PLUGIN_DIR   where `cmake --install` puts the plugin (Slurm's PluginDir)
# SLURM_SYSCONF_DIR  where plugstack.conf lives; the samples are installed beside it
find_path(SLURM_INCLUDE_DIR slurm/spank.h REQUIRED)

if(NOT SLURM_PLUGIN_DIR)
  # Debian keeps them in slurm-wlm, builds from source in slurm.
  foreach(name slurm-wlm slurm)
    foreach(root /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr/lib64 /usr/lib /usr/local/lib)
      if(EXISTS ${root}/${name}/auth_munge.so)
        set(found ${root}/${name})
        break()
      endif()
    endforeach()
    if(found)
      break()
    endif()
  endforeach()
  if(NOT found)
    set(found ${CMAKE_INSTALL_FULL_LIBDIR}/slurm)
  endif()
  set(SLURM_PLUGIN_DIR ${found} CACHE PATH "Slurm's PluginDir")
endif()
set(SLURM_SYSCONF_DIR "/etc/slurm" CACHE PATH "Where plugstack.conf lives")
