// The descriptors 0, 1 and 2 of a program that was started with some of them closed (prog >&-, some daemons).
#pragma once

namespace sweep {

/// Opens /dev/null for those of the descriptors 0, 1 and 2 that are closed. Otherwise the first file that the program
/// opens would get such a number, and messages would be written into that file. It is opened for reading only, so
/// that writing still fails (EBADF). To be called first in main().
void open_standard_streams();

}  // namespace sweep
