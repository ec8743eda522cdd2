// <slurm/spank.h> for C++: it declares the hooks outside its own extern "C" block, and without a visibility,
// so that they would be hidden as all the rest of the plugin is.
#pragma once

#pragma GCC visibility push(default)
extern "C" {
#include <slurm/spank.h>
}
#pragma GCC visibility pop
