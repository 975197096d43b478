# add_saithe_test(NAME file_test.cpp LAYER layer [LABELS ...])
# One executable per test file, linked against its own layer and those below it.
find_package(GTest REQUIRED)
include(GoogleTest)

function(add_saithe_test source)
  cmake_parse_arguments(TEST "" "LAYER" "LABELS;LINKS" ${ARGN})
  get_filename_component(name ${source} NAME_WE)
  if(TEST_LAYER AND NOT name MATCHES "^${TEST_LAYER}_")
    set(target ${TEST_LAYER}_${name})
  else()
    set(target ${name})
  endif()
  add_executable(${target} ${source})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  if(TEST_LAYER)
    target_link_libraries(${target} PRIVATE saithe_${TEST_LAYER})
  else()
    target_link_libraries(${target} PRIVATE saithe)
  endif()
  target_link_libraries(${target} PRIVATE ${TEST_LINKS} GTest::gtest_main saithe_warnings saithe_sanitizers)
  target_compile_definitions(${target} PRIVATE
    SAITHE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    SAITHE_TEST_FILES="${PROJECT_SOURCE_DIR}/tests/golden")
  if(NOT TEST_LABELS)
    set(TEST_LABELS fast)
  endif()
  gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST TEST_LIST ${target}_TESTS
    PROPERTIES TIMEOUT 300)
  # A list of labels does not survive gtest_discover_tests: they are set when ctest has the tests.
  set(labels ${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake)
  file(WRITE ${labels} "if(${target}_TESTS)\n"
    "  set_tests_properties(\${${target}_TESTS} PROPERTIES LABELS \"${TEST_LABELS}\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels})
endfunction()
