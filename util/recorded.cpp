#include "util/recorded.hpp"

#include <algorithm>
#include <array>

#include "util/secrets.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

using View = std::string_view;

// Variables of benchmarks (of the matrix's points and of InferenceMAX's scripts), of machines and of
// programs.
constexpr auto kKnownNames = std::to_array<View>({"CONC",
                                                  "DP_ATTENTION",
                                                  "EP_SIZE",
                                                  "EVAL_OUTPUT_DIR",
                                                  "EXP_NAME",
                                                  "FRAMEWORK",
                                                  "IMAGE",
                                                  "ISL",
                                                  "MAX_MODEL_LEN",
                                                  "MODEL",
                                                  "MODEL_PATH",
                                                  "MODEL_PREFIX",
                                                  "MTP_MODE",
                                                  "NUM_PROMPTS",
                                                  "OSL",
                                                  "PORT",
                                                  "PORT_OFFSET",
                                                  "PRECISION",
                                                  "PROMPTS_PER_CONC",
                                                  "RANDOM_RANGE_RATIO",
                                                  "RESULT_DIR",
                                                  "RESULT_FILENAME",
                                                  "RUNNER_NAME",
                                                  "RUNNER_TYPE",
                                                  "SPEC_DECODING",
                                                  "TP",
                                                  "EP",
                                                  "DP",
                                                  "PP",
                                                  "HF_HOME",
                                                  "HF_HUB_CACHE",
                                                  "HF_HUB_OFFLINE",
                                                  "HF_DATASETS_CACHE",
                                                  "HF_DATASETS_OFFLINE",
                                                  "HF_ENDPOINT",
                                                  "HF_HUB_ENABLE_HF_TRANSFER",
                                                  "HF_XET_HIGH_PERFORMANCE",
                                                  "HOME",
                                                  "HOSTNAME",
                                                  "LANG",
                                                  "LANGUAGE",
                                                  "LD_LIBRARY_PATH",
                                                  "LD_PRELOAD",
                                                  "LIBRARY_PATH",
                                                  "LOGNAME",
                                                  "MALLOC_ARENA_MAX",
                                                  "PATH",
                                                  "PWD",
                                                  "SHELL",
                                                  "TEMP",
                                                  "TMP",
                                                  "TMPDIR",
                                                  "TOKENIZERS_PARALLELISM",
                                                  "TZ",
                                                  "USER",
                                                  "VIRTUAL_ENV",
                                                  "CPATH",
                                                  "CC",
                                                  "CXX",
                                                  "HTTP_PROXY",
                                                  "HTTPS_PROXY",
                                                  "NO_PROXY",
                                                  "http_proxy",
                                                  "https_proxy",
                                                  "no_proxy",
                                                  "OMPI_MCA_btl",
                                                  "GPU_DEVICE_ORDINAL"});

constexpr auto kKnownPrefixes = std::to_array<View>({"AITER_",
                                                     "AMD_",
                                                     "BENCH_",
                                                     "BENCHMARK_",
                                                     "CONDA_",
                                                     "CUBLAS_",
                                                     "CUBLASLT_",
                                                     "CUDA_",
                                                     "CUDNN_",
                                                     "CUTLASS_",
                                                     "DECODE_",
                                                     "DEEPEP_",
                                                     "DG_",
                                                     "FI_",
                                                     "FLASHINFER_",
                                                     "FLASH_ATTENTION_",
                                                     "GLOO_",
                                                     "GOMP_",
                                                     "GPU_",
                                                     "HIPBLASLT_",
                                                     "HIP_",
                                                     "HSA_",
                                                     "KMP_",
                                                     "LC_",
                                                     "LMCACHE_",
                                                     "MELLANOX_",
                                                     "MIOPEN_",
                                                     "MKL_",
                                                     "MOONCAKE_",
                                                     "MPI_",
                                                     "NCCL_",
                                                     "NIXL_",
                                                     "NUMBA_",
                                                     "NUMEXPR_",
                                                     "NVIDIA_",
                                                     "NVSHMEM_",
                                                     "NVTE_",
                                                     "OMPI_",
                                                     "OMP_",
                                                     "OPENBLAS_",
                                                     "PMIX_",
                                                     "PMI_",
                                                     "PREFILL_",
                                                     "PYTHON",
                                                     "PYTORCH_",
                                                     "RCCL_",
                                                     "ROCM_",
                                                     "ROCR_",
                                                     "SERVER_",
                                                     "SGLANG_",
                                                     "SGL_",
                                                     "SHARP_",
                                                     "SLURM_",
                                                     "SWEEP_",
                                                     "TENSORRT_",
                                                     "TLLM_",
                                                     "TORCHINDUCTOR_",
                                                     "TORCH_",
                                                     "TRANSFORMERS_",
                                                     "TRITON_",
                                                     "TRTLLM_",
                                                     "TRT_",
                                                     "UCC_",
                                                     "UCX_",
                                                     "VLLM_",
                                                     "XDG_",
                                                     "XLA_",
                                                     "ZE_"});

bool known(View name) {
  if (std::find(kKnownNames.begin(), kKnownNames.end(), name) != kKnownNames.end()) return true;
  const bool prefixed = std::any_of(kKnownPrefixes.begin(), kKnownPrefixes.end(),
                                    [&](View prefix) { return name.starts_with(prefix); });
  return prefixed && !names_secret(name);
}

/// Returns true if a value says nothing that could be a secret: a number or a word for yes or no.
bool is_plain_setting(View value) {
  constexpr std::array<View, 7> kWords = {"true", "false", "yes", "no", "on", "off", "none"};
  const std::string lower = ascii_lower(std::string(value));
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return true;
  return value.size() <= 12 && value.find_first_not_of("0123456789.-") == View::npos;
}

/// Returns true if a word before '=' is a variable's name as people write them: upper case.
bool is_variable_name(View name) {
  const auto good = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), good);
}

bool is_user_option(View word) {
  return word == "-u" || word == "-U" || word == "--user" || word == "--proxy-user";
}

/// Returns true if the next word is the value of this option and secret.
bool expects_secret(View word) {
  return word.starts_with("--") && word.find_first_of("= \t\n") == View::npos && names_secret(word.substr(2));
}

/// Returns the items of "ALL,NAME=VALUE,…", as options of srun have them, without their secrets.
std::string recorded_list(View list) {
  std::string out;
  for (const std::string& item : split(list, ',')) {
    const std::size_t equals = std::min(item.find('='), item.size());
    const bool variable = equals < item.size() && is_variable_name(View(item).substr(0, equals));
    if (!out.empty()) out += ",";
    out += variable ? item.substr(0, equals + 1) +
                          recorded_value(View(item).substr(0, equals), View(item).substr(equals + 1))
                    : without_secrets(item);
  }
  return out;
}

/// Returns a word NAME=VALUE, --name=VALUE or --name=NAME=VALUE,… without its secrets.
std::string recorded_assignment(const std::string& word, std::size_t equals) {
  const View name = View(word).substr(0, equals), value = View(word).substr(equals + 1);
  const std::size_t dashes = std::min(name.find_first_not_of('-'), name.size());
  if (is_variable_name(name)) return std::string(name) + "=" + recorded_value(name, value);
  if (names_secret(name.substr(dashes)))
    return std::string(name) + "=" + std::string(value.empty() ? View() : kSet);
  const bool lists = value.find('=') != View::npos && value.find_first_of("{\"'") == View::npos;
  if (dashes > 0 && lists) return std::string(name) + "=" + recorded_list(value);
  return dashes == 0 && word.find(',') < equals ? recorded_list(word) : without_secrets(word);
}

/// Returns true if the next word is a script: sh -c, bash -lc.
bool expects_script(View word) {
  return word.size() >= 2 && word.size() <= 4 && word[0] == '-' && word[1] != '-' && word.back() == 'c';
}

std::string recorded_word(const std::string& word, bool script) {
  const std::size_t equals = word.find('=');
  const bool assignment = equals != std::string::npos && word.find_first_of(" \t\n") > equals;
  return assignment && !script ? recorded_assignment(word, equals) : without_secrets(word);
}

}  // namespace

std::string recorded_value(std::string_view name, std::string_view value) {
  if (value.empty()) return {};
  if (known(name)) return without_secrets(value);
  return is_plain_setting(value) && !names_secret(name) ? std::string(value) : std::string(kSet);
}

std::vector<std::string> recorded_command(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  bool secret = false, user = false, script = false;
  for (const std::string& word : words) {
    const bool hidden = (secret && !word.starts_with("--")) || (user && word.find(':') != std::string::npos);
    out.push_back(hidden ? std::string(kSet) : recorded_word(word, script));
    secret = expects_secret(word);
    user = is_user_option(word);
    script = expects_script(word);
  }
  return out;
}

}  // namespace sweep
