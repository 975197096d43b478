# The program, its bundled data, the library with its public headers, and the CMake package.
if(TARGET saithe_cli)
  install(TARGETS saithe_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/saithe
        FILES_MATCHING PATTERN "*.h5ad" PATTERN "*.obo.gz" PATTERN "*.tsv.gz" PATTERN "*.saithe" PATTERN "*.md" PATTERN "*.txt")

# saithe.h lists the public headers; no other header is installed.
install(FILES ${PROJECT_SOURCE_DIR}/src/saithe/saithe.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/saithe)
file(STRINGS ${PROJECT_SOURCE_DIR}/src/saithe/saithe.h public_headers REGEX "^#include \"saithe/")
foreach(line ${public_headers})
  string(REGEX REPLACE "#include \"(.*)\".*" "\\1" header ${line})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/src/${header}
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             ${PROJECT_SOURCE_DIR}/src/saithe/saithe.h)

get_property(layer_targets GLOBAL PROPERTY SAITHE_LAYER_TARGETS)
install(TARGETS ${layer_targets} saithe EXPORT saithe-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/saithe)
install(EXPORT saithe-targets NAMESPACE saithe:: DESTINATION ${package_folder})
include(CMakePackageConfigHelpers)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/saithe-config.cmake.in
  ${PROJECT_BINARY_DIR}/saithe-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/saithe-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/saithe-config.cmake
              ${PROJECT_BINARY_DIR}/saithe-config-version.cmake
        DESTINATION ${package_folder})
