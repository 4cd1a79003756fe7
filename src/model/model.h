#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "adapter/attachment.h"
#include "adapter/linear_site.h"
#include "io/model_file.h"
#include "model/hyperparameters.h"
#include "model/kv_cache.h"
#include "ops/context.h"
#include "ops/linear.h"
#include "ops/packed_matrix.h"
#include "platform/huge_buffer.h"
#include "platform/read_ahead.h"
#include "threading/thread_pool.h"

namespace patina::model {

struct Weights;
struct ArchitectureInfo;

// Consecutive tokens of one sequence in a forward pass. With a cache, its last `tokens.size()` positions (made by
// grow()) are these tokens'; without, the tokens are a whole sequence of their own (training), or go on from the first
// `shared` tokens of the pass's part `trunk`, which are then computed once for both.
struct SequencePart {
  std::span<const int32_t> tokens;
  KvSequence* cache = nullptr;
  size_t trunk = 0;    // an earlier part without cache, that shares nothing itself; where `shared` is not 0
  int64_t shared = 0;  // at most the trunk's tokens
};

// When a model's matrices are brought into the form that the kernels read fast. Later, the first pass multiplies
// straight from the file, so that a first token comes soon, and the second pass, or one that trains, begins with
// packing.
enum class Packing { kAtOnce, kLater };

// A loaded model: its weights packed for the kernels, and its forward pass. Safe to share between threads; forward
// passes of several threads at once need a Context each.
class Model {
 public:
  // Packs every matrix with the pool's threads and lets go of the file's pages. Keeps `file` for the token embeddings,
  // and until the matrices are packed. Throws kUnsupported, listing the architectures there are, for another one;
  // kInvalidData for missing tensors or shapes that do not fit together; kOutOfMemory, before anything is packed, for a
  // model that does not fit.
  static std::unique_ptr<Model> load(std::shared_ptr<const io::ModelFile> file, ThreadPool& pool,
                                     Packing packing = Packing::kAtOnce);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Hyperparameters& hyper() const { return hyper_; }
  const io::ModelFile& file() const { return *file_; }
  // Where adapters can act, in the order of the forward pass: token_embd; for each layer attn_q, attn_k, attn_v,
  // attn_output, ffn_gate, ffn_up, ffn_down; output, unless the model has its embeddings in its place.
  std::span<const adapter::LinearSite> sites() const { return sites_; }
  // Whether the token embeddings are the output matrix, too.
  bool tied() const;
  // What multiplies at a site, which must be another than token_embd.
  const ops::PackedMatrix& matrix(size_t site) const;
  // Bytes of the weights in packed form.
  int64_t weight_bytes() const;
  // How many numbers a token leaves for the backward steps of all blocks: where what can be made of others is not kept
  // (autograd::TapeOptions::compact), and where it is.
  struct SavedNumbers {
    int64_t compact;
    int64_t whole;
  };
  SavedNumbers saved_numbers() const;
  // A number that tells this file's weights from another's of the same shape: over metadata, tensors' names, shapes and
  // types, and samples of their bytes, which are read at the first call.
  uint64_t fingerprint() const;

  // The hidden states after the last norm, [rows wanted x hidden_size], of the parts' tokens laid end to end. `rows`:
  // which of these tokens are wanted, ascending; the others are not computed in the last layer's feed-forward network.
  // Attachment: the adapters that act; while context.recorder is set, trained terms receive gradients. Throws
  // kInvalidArgument for a token outside the vocabulary, kOutOfMemory.
  ops::Tensor hidden(ops::Context& context, std::span<const SequencePart> parts, std::span<const int32_t> rows,
                     const adapter::Attachment& adapters) const;
  // [rows x vocab_size] from hidden states.
  ops::Tensor logits(ops::Context& context, const ops::Tensor& hidden, const adapter::Attachment& adapters) const;
  const ops::PackedMatrix& output_matrix() const;
  // With the terms that act at it; the attachment must outlive the result.
  ops::Linear output(const adapter::Attachment& adapters) const;

 private:
  void pack(ThreadPool& pool) const;

  Model(std::shared_ptr<const io::ModelFile> file, Hyperparameters hyper, const ArchitectureInfo& architecture);

  std::shared_ptr<const io::ModelFile> file_;
  Hyperparameters hyper_;
  const ArchitectureInfo* architecture_;
  mutable platform::HugeBuffer packed_memory_;  // of all matrices
  std::unique_ptr<Weights> weights_;
  std::vector<adapter::LinearSite> sites_;
  mutable std::once_flag fingerprinted_;
  mutable uint64_t fingerprint_ = 0;
  mutable std::atomic<bool> passed_ = false;  // once
  mutable std::atomic<bool> packed_ = false;
  mutable std::mutex packing_;
  mutable std::unique_ptr<platform::ReadAhead> read_ahead_;  // of what the first pass reads
};

// Names of the supported architectures, for messages and tests.
std::vector<std::string> architecture_names();

}  // namespace patina::model
