#include "controller/matrix/inferencex/row.hpp"

namespace sweep::matrix::inferencex {

const Component* Row::router() const {
  const auto& value = element->router.given ? element->router.value : entry->router;
  return value ? &*value : nullptr;
}

const std::string* Row::kv_p2p_transfer() const {
  const auto& value =
      element->kv_p2p_transfer.given ? element->kv_p2p_transfer.value : entry->kv_p2p_transfer;
  return value ? &*value : nullptr;
}

std::string lengths_name(const FixedBlock& block) {
  if (block.isl == scalar(1024) && block.osl == scalar(1024)) return "1k1k";
  if (has_eval_lengths(block)) return "8k1k";
  return python_str(block.isl) + "_" + python_str(block.osl);
}

bool has_eval_lengths(const FixedBlock& block) {
  return block.isl == scalar(8192) && block.osl == scalar(1024);
}

}  // namespace sweep::matrix::inferencex
