add_library(saithe_warnings INTERFACE)
target_compile_options(saithe_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wdouble-promotion -Wnull-dereference
  -Wimplicit-fallthrough)
if(SAITHE_WERROR)
  target_compile_options(saithe_warnings INTERFACE -Werror)
endif()
