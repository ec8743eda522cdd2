// An entry of a master configuration of InferenceX: one with `scenarios`. Contract of 2026, section 1. Types
// only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/matrix/inferencex/scalar.hpp"

namespace sweep::matrix::inferencex {

/// A router or the backend of a KV offload.
struct Component {
  std::string name;
  std::optional<std::string> version;
  bool has_version = false;    // true if the key is there; its value may be null
  bool version_first = false;  // the order of the two keys in the file
};

/// What an element says about something that the entry can say for all of its elements.
template <class T>
struct Override {
  bool given = false;      // true if the key is there: the entry's value does not apply then
  std::optional<T> value;  // std::nullopt: null
};

/// The servers of one role over several nodes.
struct Worker {
  enum class Key : std::uint8_t { NumWorker, Tp, Pp, DcpSize, PcpSize, Ep, DpAttn, Hardware, Settings };

  Scalar num_worker, tp, ep, dp_attn;
  Scalar pp = scalar(1), dcp_size = scalar(1), pcp_size = scalar(1);
  std::optional<std::string> hardware;
  std::optional<std::vector<std::string>> settings;  // additional-settings: NAME=value for the launcher
  std::vector<Key> order;                            // the keys that the file has, in its order
};

struct Workers {
  Worker prefill, decode;
};

/// The concurrencies of an element: a list, or a range whose two ends are both given.
struct Concurrency {
  bool has_empty_list = false;  // `conc-list` is there and empty
  std::vector<Scalar> list;
  std::optional<Scalar> start, end;
};

/// One element of a search space.
struct Element {
  int line = 0;
  Scalar tp;                                                          // one node only
  Scalar pp = scalar(1), dcp_size = scalar(1), pcp_size = scalar(1);  // one node only
  std::optional<Scalar> ep, dp_attn;                                  // one node only
  std::shared_ptr<const Workers> workers;                             // many nodes only
  std::string spec_decoding = "none";                                 // none, mtp or draft_model
  std::string kv_offloading = "none";                                 // agentic only: none or dram
  std::optional<Component> kv_offload_backend;                        // set if kv_offloading is dram
  Override<Component> router;
  Override<std::string> kv_p2p_transfer;  // many nodes only
  Concurrency concurrency;
};

/// One item of `fixed-seq-len`. isl and osl are in tokens.
struct FixedBlock {
  Scalar isl, osl;
  std::vector<Element> elements;  // may be empty
};

/// One item of `agentic-coding`.
struct AgenticBlock {
  std::string dram_utilization;  // a decimal number > 0 and <= 1 as Python's str() prints it; "": not given
  std::vector<Element> elements;
};

/// One checked entry.
struct Entry {
  std::string key, file;
  int line = 0;
  std::string image, model, model_prefix, precision, framework, runner;
  bool multinode = false;
  Scalar disagg{0, Scalar::Spelling::Bool, {}};
  std::optional<Component> router;
  std::optional<std::string> kv_p2p_transfer;
  std::vector<FixedBlock> fixed;
  std::vector<AgenticBlock> agentic;
};

}  // namespace sweep::matrix::inferencex
