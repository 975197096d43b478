add_library(saithe_warnings INTERFACE)
target_compile_options(saithe_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wdouble-promotion -Wnull-dereference
  -Wimplicit-fallthrough
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # g++ 12 sees overlaps where there are none (PR 105651)
if(SAITHE_WERROR)
  target_compile_options(saithe_warnings INTERFACE -Werror)
endif()
