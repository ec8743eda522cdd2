# Finds the headers and the plugin folder of this machine's Slurm.
#
# SLURM_INCLUDE_DIR  the folder that contains slurm/spank.h
# SLURM_PLUGIN_DIR   where `cmake --install` puts the plugin (Slurm's PluginDir)
# SLURM_SYSCONF_DIR  the folder of plugstack.conf; the samples are installed next to it
find_path(SLURM_INCLUDE_DIR slurm/spank.h REQUIRED)

if(NOT SLURM_PLUGIN_DIR)
  # Debian has the plugins in slurm-wlm, builds from source have them in slurm.
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
set(SLURM_SYSCONF_DIR "/etc/slurm" CACHE PATH "Folder of plugstack.conf")

# SLURM_SERIES       the Slurm series that the plugin is built for, such as 22.05; Slurm refuses a plugin of another series
# SLURM_SERIES_AFTER the next possible series number
set(SLURM_SERIES "")
foreach(header slurm_version.h slurm.h)  # older versions define it in slurm.h
  if(EXISTS ${SLURM_INCLUDE_DIR}/slurm/${header})
    file(STRINGS ${SLURM_INCLUDE_DIR}/slurm/${header} line REGEX "^#define[ \t]+SLURM_VERSION_NUMBER[ \t]+0x")
    if(line MATCHES "(0x[0-9a-fA-F]+)")
      math(EXPR major "(${CMAKE_MATCH_1} >> 16) & 255")
      math(EXPR minor "(${CMAKE_MATCH_1} >> 8) & 255")
      math(EXPR after "${minor} + 1")
      foreach(number minor after)
        if(${number} LESS 10)
          set(${number} 0${${number}})
        endif()
      endforeach()
      set(SLURM_SERIES ${major}.${minor})
      set(SLURM_SERIES_AFTER ${major}.${after})
      break()
    endif()
  endif()
endforeach()
if(NOT SLURM_SERIES)
  message(FATAL_ERROR "cannot find SLURM_VERSION_NUMBER in ${SLURM_INCLUDE_DIR}/slurm: Slurm's headers are incomplete;"
    " install them or set SLURM_INCLUDE_DIR")
endif()
