#pragma once

// What becomes of memory that is given back.

namespace saithe {

/// Has this process keep freed blocks of up to 64 MiB for the next one, instead of giving them back
/// to the system, which clears each page anew: cells are read in blocks of that size, one after the
/// other. The program does so first of all; a host that calls it decides for all of its memory. It
/// keeps 128 MiB at most at the end of the heap. Does nothing but where malloc is glibc's.
void keep_freed_memory();

}  // namespace saithe
