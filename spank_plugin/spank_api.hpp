// <slurm/spank.h> for C++. The header declares the hooks outside its extern "C" block and without a
// visibility, so that they would be hidden like the rest of the plugin.
#pragma once

#pragma GCC visibility push(default)
extern "C" {
#include <slurm/spank.h>
}
#pragma GCC visibility pop
