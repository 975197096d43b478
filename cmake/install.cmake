# the program, its bundled data, the library with its headers, and the CMake package
install(DIRECTORY data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/saithe FILES_MATCHING
        PATTERN "*.h5ad" PATTERN "*.md" PATTERN "*.txt")
