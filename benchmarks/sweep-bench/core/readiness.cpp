#include "benchmarks/sweep-bench/core/readiness.hpp"

namespace sweep::client {

bool may_be_loading(const RequestRecord& record) {
  constexpr int kBadGateway = 502, kGatewayTimeout = 504;
  if (!record.failure) return false;
  switch (*record.failure) {
    case Failure::Refused:
      return true;
    case Failure::Cut:
      return record.status == 0;
    case Failure::HttpStatus:
      return record.status >= kBadGateway && record.status <= kGatewayTimeout;
    default:
      return false;
  }
}

}  // namespace sweep::client
