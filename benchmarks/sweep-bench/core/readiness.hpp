// Decides whether a failed test request means that the server is not ready yet. Pure.
#pragma once

#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// Returns true if the server may be about to become ready: nothing listens yet, the connection ended before
/// a response began, or the response has a status that servers and proxies send while a model is loaded (502,
/// 503, 504).
bool may_be_loading(const RequestRecord& record);

}  // namespace sweep::client
