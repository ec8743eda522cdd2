#include "proto/net/curve.hpp"

#include <array>
#include <vector>
#include <zmq_addon.hpp>

namespace sweep {

namespace {

constexpr std::size_t kRawKey = 32;
constexpr std::size_t kTextKey = 40;

std::string decode_key(const std::string& text) {
  std::array<std::uint8_t, kRawKey> raw{};
  if (text.size() != kTextKey || ::zmq_z85_decode(raw.data(), text.c_str()) == nullptr) return {};
  return std::string(raw.begin(), raw.end());
}

}  // namespace

KeyPair make_key_pair() {
  std::array<char, kTextKey + 1> open{};
  std::array<char, kTextKey + 1> secret{};
  if (::zmq_curve_keypair(open.data(), secret.data()) != 0) throw zmq::error_t();
  return {open.data(), secret.data()};
}

Expected<std::string> public_key_of(const std::string& secret_key) {
  std::array<char, kTextKey + 1> open{};
  if (secret_key.size() != kTextKey || ::zmq_curve_public(open.data(), secret_key.c_str()) != 0) {
    return fail("the sweep's key is not a CURVE key of 40 characters");
  }
  return std::string(open.data());
}

Doorman::Doorman(zmq::context_t& context, const std::string& client_public_key)
    : socket_(context, zmq::socket_type::rep), allowed_(decode_key(client_public_key)) {
  socket_.bind("inproc://zeromq.zap.01");
}

void Doorman::answer() {
  // version, request id, domain, address, identity, mechanism, key
  std::vector<zmq::message_t> request;
  while (zmq::recv_multipart(socket_, std::back_inserter(request), zmq::recv_flags::dontwait)) {
    const bool complete = request.size() >= 7 && request[5].to_string_view() == "CURVE";
    const bool welcome = complete && !allowed_.empty() && request[6].to_string_view() == allowed_;
    if (!welcome) ++refused_;
    const std::string id = request.size() > 1 ? request[1].to_string() : std::string();
    const std::array<std::string, 6> reply = {
        "1.0", id, welcome ? "200" : "400", welcome ? "OK" : "unknown key", "", ""};
    for (std::size_t i = 0; i < reply.size(); ++i) {
      socket_.send(zmq::buffer(reply[i]),
                   i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
    request.clear();
  }
}

}  // namespace sweep
