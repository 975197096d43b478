# Installs the built tree into a new folder, moves it, and builds and runs the foreign project
# against it: nothing in the package may remember where it was installed or built.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed (${status}): ${ARGN}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first)
file(RENAME ${WORK}/first ${WORK}/moved)
run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${PROJECT} -B ${WORK}/build
    -D CMAKE_BUILD_TYPE=${BUILD_TYPE} -D CMAKE_CXX_COMPILER=${COMPILER}
    -D CMAKE_CXX_FLAGS=${FLAGS} -D CMAKE_PREFIX_PATH=${WORK}/moved)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer)
foreach(file pbmc3k.h5ad cl-basic.obo.gz README.md)
  if(NOT EXISTS ${WORK}/moved/share/saithe/${file})
    message(FATAL_ERROR "share/saithe/${file} was not installed")
  endif()
endforeach()
if(NOT EXISTS ${WORK}/moved/share/doc/saithe/LICENSE)
  message(FATAL_ERROR "the licence was not installed")
endif()
run(${WORK}/moved/bin/saithe --version)
run(${WORK}/moved/bin/saithe inspect ${WORK}/moved/share/saithe/pbmc3k.h5ad)
