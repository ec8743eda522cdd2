// Responses of the router that need answers of workers.
#pragma once

#include <memory>
#include <optional>

#include "benchmarks/sweep-simserver/io/router.hpp"

namespace sweep::sim_server {

/// Passes a request to the prefill worker, if there is one, and after its answer to `worker`, whose response is
/// passed to the client. If a worker is lost, the client gets status 502, or an error event at the end of its
/// stream.
void start_relay(Router& router, const std::shared_ptr<Connection>& connection, RoutedRequest request,
                 std::optional<std::size_t> prefill, std::size_t worker);

/// Passes a request to all workers. The client gets status 200 if all workers returned it, otherwise 502.
void start_reset(Router& router, const std::shared_ptr<Connection>& connection, const RoutedRequest& request);

}  // namespace sweep::sim_server
