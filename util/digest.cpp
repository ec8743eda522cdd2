#include "util/digest.hpp"

#include <sodium.h>

#include <array>

namespace sweep {

namespace {

using State = crypto_hash_sha256_state;

State* state_in(std::array<std::byte, 128>& bytes) {
  static_assert(sizeof(State) <= sizeof bytes && alignof(State) <= 8);
  return reinterpret_cast<State*>(bytes.data());
}

}  // namespace

Sha256::Sha256() : state_{} {
  crypto_hash_sha256_init(state_in(state_));
}

void Sha256::add(std::string_view bytes) {
  crypto_hash_sha256_update(state_in(state_), reinterpret_cast<const unsigned char*>(bytes.data()),
                            bytes.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(state_in(state_), digest.data());
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(digest.size() * 2);
  for (unsigned char byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 0xf];
  }
  return out;
}

void Sha256::add_part(std::string_view part) {
  add(std::to_string(part.size()) + ":");
  add(part);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.hex();
}

}  // namespace sweep
