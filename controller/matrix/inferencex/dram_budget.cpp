#include "controller/matrix/inferencex/dram_budget.hpp"

#include <algorithm>
#include <cstdlib>

namespace sweep::matrix::inferencex {

namespace {

// 3 TB in MiB: more memory of a node is not used.
constexpr std::int64_t kMostDramMib = 2'861'022;
constexpr std::int64_t kBytesPerMib = 1'048'576;
constexpr int kGigaDigits = 9;  // a GB has 10^9 bytes
constexpr int kPrecision = 28;  // digits of Python's decimal module
constexpr int kMostDigits = 20;
constexpr std::int64_t kMostGpus = 1'000'000;

__extension__ using Wide = unsigned __int128;  // a product of 28 digits and a factor

// digits * 10^exponent, at most 28 digits.
struct Decimal {
  Wide digits = 0;
  int exponent = 0;
};

Wide power_of_ten(int exponent) {
  Wide out = 1;
  for (int i = 0; i < exponent; ++i)
    out *= 10;
  return out;
}

// Rounds to 28 digits, half to even. `sticky` is true if there are digits behind those of `value`.
Decimal rounded_decimal(Decimal value, bool sticky = false) {
  const Wide limit = power_of_ten(kPrecision);
  Wide dropped = 1;  // 10^digits to drop
  int digits = 0;
  while (value.digits / dropped >= limit) {
    dropped *= 10;
    ++digits;
  }
  if (digits == 0) return value;
  const Wide rest = value.digits % dropped, half = dropped / 2;
  value.digits /= dropped;
  value.exponent += digits;
  const bool above = rest > half || (rest == half && (sticky || value.digits % 2 == 1));
  if (above) ++value.digits;
  return value;
}

Decimal multiplied(const Decimal& value, std::int64_t factor) {
  return rounded_decimal({value.digits * static_cast<Wide>(factor), value.exponent});
}

Decimal divided(Decimal value, std::int64_t divisor) {
  const auto by = static_cast<Wide>(divisor);
  // One digit more than the result has, so that rounding knows which way to go.
  while (value.digits != 0 && value.digits < by * power_of_ten(kPrecision + 1)) {
    value.digits *= 10;
    --value.exponent;
  }
  const bool sticky = value.digits % by != 0;
  return rounded_decimal({value.digits / by, value.exponent}, sticky);
}

// Returns floor(value) for a value that is not negative.
std::int64_t whole_part(Decimal value) {
  for (; value.exponent < 0 && value.digits != 0; ++value.exponent)
    value.digits /= 10;
  for (; value.exponent > 0 && value.digits != 0; --value.exponent)
    value.digits *= 10;
  return static_cast<std::int64_t>(value.digits);
}

// Reads 0.8, .5, 1, 8e-1, 0.80.
Expected<Decimal> read_decimal(const std::string& text) {
  Decimal out;
  int digits = 0;
  bool fraction = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      fraction = true;
    } else if (c >= '0' && c <= '9') {
      out.digits = out.digits * 10 + static_cast<Wide>(c - '0');
      digits += out.digits == 0 ? 0 : 1;
      out.exponent -= fraction ? 1 : 0;
      if (digits > kMostDigits)
        return fail("dram-utilization '" + text + "' has more than " + std::to_string(kMostDigits) +
                    " digits; round it");
    } else if (c == 'e' || c == 'E') {
      out.exponent += std::atoi(text.c_str() + i + 1);
      break;
    }
  }
  return out;
}

std::int64_t gpus_of(const Scalar& tp, const Scalar& pp, const Scalar& pcp_size) {
  std::int64_t out = 0;
  if (__builtin_mul_overflow(tp.number, pp.number, &out) ||
      __builtin_mul_overflow(out, pcp_size.number, &out))
    return INT64_MAX;
  return out;
}

// Returns the GPUs of a node that one server of the worker uses.
Expected<std::int64_t> gpus_on_node(const Worker& worker, std::int64_t gpus_per_node) {
  const std::int64_t gpus = gpus_of(worker.tp, worker.pp, worker.pcp_size);
  const std::string product = "worker tp*pp*pcp-size=" + std::to_string(gpus);
  const std::string limit = "gpus-per-node=" + std::to_string(gpus_per_node);
  if (gpus < 1) return fail(product + " must be at least 1; correct 'tp'");
  if (gpus > gpus_per_node) {
    if (gpus % gpus_per_node != 0)
      return fail(product + " spans multiple nodes but is not a multiple of " + limit);
    return gpus_per_node;
  }
  if (gpus_per_node % gpus != 0) return fail(product + " does not divide " + limit + " evenly");
  return gpus;
}

Expected<std::int64_t> gpus_on_one_node(const Element& element, const std::string& runner,
                                        std::int64_t gpus_per_node) {
  const std::int64_t gpus = gpus_of(element.tp, element.pp, element.pcp_size);
  if (gpus < 1) return fail("'tp' (" + python_str(element.tp) + ") must be at least 1; correct it");
  if (gpus <= gpus_per_node) return gpus;
  return fail("tp=" + python_str(element.tp) + " with pp=" + python_str(element.pp) +
              " and pcp-size=" + python_str(element.pcp_size) + " requires " + std::to_string(gpus) +
              " GPUs and exceeds gpus-per-node=" + std::to_string(gpus_per_node) + " for runner '" + runner +
              "'");
}

}  // namespace

Expected<std::int64_t> scaled_gigabytes(std::int64_t mib, const std::string& utilization, std::int64_t gpus,
                                        std::int64_t gpus_per_node) {
  SWEEP_ASSIGN(const Decimal share, read_decimal(utilization));
  // 3 * 10^12 bytes times 20 digits are within 128 bits.
  const auto bytes = static_cast<Wide>(mib) * static_cast<Wide>(kBytesPerMib);
  const Decimal used = rounded_decimal({bytes * share.digits, share.exponent});
  Decimal out = divided(multiplied(used, gpus), gpus_per_node);
  out.exponent -= kGigaDigits;
  return whole_part(out);
}

Expected<std::int64_t> dram_budget(const Entry& entry, const AgenticBlock& block, const Element& element,
                                   const RunnerFile& runners) {
  if (element.kv_offloading != "dram") return 0;
  const auto at_element = [&](const Error& error) {
    return fail(entry.file + ":" + std::to_string(element.line) + ": " + error.message);
  };
  const auto hardware = runners.hardware_of(entry.runner);
  if (!hardware) return at_element(hardware.error());
  if (hardware->gpus_per_node > kMostGpus)
    return fail(runners.file + ": gpus-per-node of '" + entry.runner + "' must be at most " +
                std::to_string(kMostGpus));
  const auto gpus = element.workers ? gpus_on_node(element.workers->prefill, hardware->gpus_per_node)
                                    : gpus_on_one_node(element, entry.runner, hardware->gpus_per_node);
  if (!gpus) return at_element(gpus.error());
  const auto gigabytes = scaled_gigabytes(std::min(hardware->available_cpu_dram_mib, kMostDramMib),
                                          block.dram_utilization, *gpus, hardware->gpus_per_node);
  if (!gigabytes) return at_element(gigabytes.error());
  return *gigabytes;
}

}  // namespace sweep::matrix::inferencex
