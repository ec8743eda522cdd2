#include "benchmarks/sweep-simserver/core/architecture.hpp"

#include <array>
#include <cmath>

#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

// DeepSeek-V3 Technical Report, arXiv:2412.19437, section 4.2, and config.json of deepseek-ai/DeepSeek-R1: 61
// layers, the first 3 dense; MLA with latent 512 + rope 64; 256 routed experts, of which each token uses 8,
// and a shared one.
Architecture deepseek_r1() {
  constexpr double kLayers = 61, kDense = 3, kMoe = 58, kHidden = 7168, kHeads = 128, kVocabulary = 129280;
  constexpr double kQueryRank = 1536, kLatent = 512, kRope = 64, kNope = 128, kValue = 128;
  constexpr double kWidth = 2048, kDenseWidth = 18432, kExperts = 256;
  Architecture out;
  out.name = "dsr1";
  out.label = "DeepSeek-R1, 671B";
  out.source = "arXiv:2412.19437; https://huggingface.co/deepseek-ai/DeepSeek-R1/blob/main/config.json";
  out.layers = 61;
  out.hidden = 7168;
  out.vocabulary = 129280;
  out.max_context = 163840;
  out.attention_params =
      kLayers * (kHidden * kQueryRank + kQueryRank * kHeads * (kNope + kRope) + kHidden * (kLatent + kRope) +
                 kLatent * kHeads * (kNope + kValue) + kHeads * kValue * kHidden);
  out.expert_params = 3 * kHidden * kWidth;
  out.shared_params = kDense * 3 * kHidden * kDenseWidth + kMoe * out.expert_params +
                      kMoe * kHidden * kExperts + kVocabulary * kHidden;
  out.embedding_params = kVocabulary * kHidden;
  out.moe_layers = 58;
  out.experts = 256;
  out.experts_per_token = 8;
  out.expert_width = 2048;
  out.dense_precision = Precision::Fp8;
  out.kv = {.full = kLayers * (kLatent + kRope), .windowed = 0, .window = 0, .heads = 1};
  out.prefill_attention_flops = kLayers * kHeads * 2 * (kNope + kRope + kValue);
  out.decode_attention_flops = kLayers * kHeads * 2 * (kLatent + kRope + kLatent);  // in the latent space
  out.kernels_per_layer = 25;
  return out;
}

// The Llama 3 Herd of Models, arXiv:2407.21783, table 3, and config.json of
// meta-llama/Llama-3.3-70B-Instruct.
Architecture llama_70b() {
  constexpr double kLayers = 80, kHidden = 8192, kHeads = 64, kKvHeads = 8, kHead = 128, kWidth = 28672;
  constexpr double kVocabulary = 128256;
  Architecture out;
  out.name = "llama70b";
  out.label = "Llama 3 70B";
  out.source =
      "arXiv:2407.21783; https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct/blob/main/config.json";
  out.layers = 80;
  out.hidden = 8192;
  out.vocabulary = 128256;
  out.max_context = 131072;
  out.attention_params = kLayers * (2 * kHidden * kHeads * kHead + 2 * kHidden * kKvHeads * kHead);
  out.shared_params = kLayers * 3 * kHidden * kWidth + kVocabulary * kHidden;
  out.embedding_params = kVocabulary * kHidden;
  out.kv = {.full = kLayers * 2 * kKvHeads * kHead, .windowed = 0, .window = 0, .heads = 8};
  out.prefill_attention_flops = kLayers * kHeads * 2 * (kHead + kHead);
  out.decode_attention_flops = out.prefill_attention_flops;
  out.kernels_per_layer = 13;
  return out;
}

// gpt-oss-120b & gpt-oss-20b Model Card, arXiv:2508.10925, and config.json of openai/gpt-oss-120b: 36 layers,
// every other one with a window of 128 tokens; 128 experts, 4 for each token, stored in MXFP4, everything
// else in BF16.
Architecture gpt_oss_120b() {
  constexpr double kLayers = 36, kHidden = 2880, kHeads = 64, kKvHeads = 8, kHead = 64, kWidth = 2880;
  constexpr double kVocabulary = 201088, kExperts = 128;
  Architecture out;
  out.name = "gptoss";
  out.label = "gpt-oss-120b";
  out.source = "arXiv:2508.10925; https://huggingface.co/openai/gpt-oss-120b/blob/main/config.json";
  out.layers = 36;
  out.hidden = 2880;
  out.vocabulary = 201088;
  out.max_context = 131072;
  out.attention_params = kLayers * (2 * kHidden * kHeads * kHead + 2 * kHidden * kKvHeads * kHead);
  out.shared_params = kLayers * kHidden * kExperts + kVocabulary * kHidden;
  out.embedding_params = kVocabulary * kHidden;
  out.moe_layers = 36;
  out.experts = 128;
  out.experts_per_token = 4;
  out.expert_params = 3 * kHidden * kWidth;
  out.expert_width = 2880;
  out.fp4_bits = 4.25;
  out.dense_precision = Precision::Bf16;
  const double half = kLayers / 2 * 2 * kKvHeads * kHead;
  out.kv = {.full = half, .windowed = half, .window = 128, .heads = 8};
  out.prefill_attention_flops = kLayers / 2 * kHeads * 2 * (kHead + kHead);
  out.decode_attention_flops = out.prefill_attention_flops;
  out.kernels_per_layer = 16;
  return out;
}

const std::array<Architecture, 3>& architectures() {
  static const std::array<Architecture, 3> kAll = {deepseek_r1(), llama_70b(), gpt_oss_120b()};
  return kAll;
}

}  // namespace

double Architecture::total_params() const {
  return attention_params + shared_params + embedding_params + expert_params * moe_layers * experts;
}

double Architecture::active_params() const {
  return attention_params + shared_params + expert_params * moe_layers * experts_per_token;
}

double Architecture::experts_touched(double tokens) const {
  if (experts == 0) return 0.0;
  return 1.0 - std::pow(1.0 - static_cast<double>(experts_per_token) / experts, tokens);
}

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture& one : architectures()) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

const Architecture* guess_architecture(std::string_view model) {
  const std::string name = ascii_lower(std::string(model));
  const auto contains = [&](std::string_view word) { return name.find(word) != std::string::npos; };
  if (contains("deepseek") || contains("dsr1")) return find_architecture("dsr1");
  if (contains("gpt-oss") || contains("gptoss")) return find_architecture("gptoss");
  if (contains("70b")) return find_architecture("llama70b");
  return nullptr;
}

std::string architecture_names() {
  std::string out;
  for (const Architecture& one : architectures())
    out += (out.empty() ? "" : ", ") + std::string(one.name);
  return out;
}

}  // namespace sweep::sim_server
