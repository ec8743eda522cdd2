// A sweep whose journal is open for writing: new, resumed, or taken over from a controller that died
// (opening.hpp).
#pragma once

#include <optional>

#include "controller/io/admission.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/journal/journal.hpp"
#include "proto/net/curve.hpp"

namespace sweep {

struct OpenedSweep {
  Sweep sweep;
  journal::Journal journal;
  KeyPair server_keys, client_keys;
  /// The rule that the previous controller of this session applied to agents; std::nullopt if there was none.
  std::optional<Admission::By> admission = {};
};

}  // namespace sweep
