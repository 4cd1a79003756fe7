#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "adapter/lora_adapter.h"
#include "autograd/tape.h"
#include "base/error.h"
#include "io/model_file.h"
#include "model/model.h"
#include "ops/cross_entropy.h"
#include "quant/quantize.h"

// No step of training makes a float copy of a weight matrix: the pool of tensors tells what all of them took, and
// operator new notes the largest other block, while a forward and a backward pass run over matrices of 4 and 16 MiB in
// f32 and activations of a few KiB.
namespace {
std::atomic<size_t> largest_allocation = 0;

void* allocate(size_t size, size_t alignment) {
  size_t seen = largest_allocation.load();
  while (size > seen && !largest_allocation.compare_exchange_weak(seen, size)) {
  }
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory,cppcoreguidelines-no-malloc): this is operator new
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory,misc-definitions-in-headers)
void* operator new(size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new[](size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(size_t size, std::align_val_t alignment) { return allocate(size, static_cast<size_t>(alignment)); }
void* operator new[](size_t size, std::align_val_t alignment) { return allocate(size, static_cast<size_t>(alignment)); }
void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t& /*tag*/) noexcept {
  return allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t /*size*/, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory,misc-definitions-in-headers)

namespace patina::model {
namespace {

constexpr int64_t kHidden = 1024;
constexpr int64_t kFeedForward = 4096;
constexpr int64_t kVocabulary = 4096;

// One layer of quantized matrices, all of one pattern.
class Builder {
 public:
  void matrix(const std::string& name, int64_t in, int64_t out, quant::DType type) {
    const auto count = static_cast<size_t>(in * out);
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * 2654435761U % 1000) / 1e5F - 5e-3F;
    std::vector<std::byte>& bytes = data_.emplace_back(static_cast<size_t>(out * quant::row_bytes(type, in)));
    quant::quantize(type, values, bytes, in);
    tensors_.push_back({name, type, {in, out}, bytes});
  }

  void norm(const std::string& name) {
    matrix(name, kHidden, 1, quant::DType::kF32);
    tensors_.back().shape = {kHidden};
  }

  void write(const std::filesystem::path& path) {
    io::Metadata metadata;
    metadata.set("general.architecture", std::string("llama"));
    metadata.set("llama.context_length", uint64_t{64});
    metadata.set("llama.embedding_length", uint64_t{kHidden});
    metadata.set("llama.block_count", uint64_t{1});
    metadata.set("llama.feed_forward_length", uint64_t{kFeedForward});
    metadata.set("llama.attention.head_count", uint64_t{8});
    io::write_gguf(path, metadata, tensors_);
  }

 private:
  std::vector<std::vector<std::byte>> data_;
  std::vector<io::TensorToWrite> tensors_;
};

std::filesystem::path write_model() {
  Builder builder;
  builder.matrix("token_embd.weight", kHidden, kVocabulary, quant::DType::kQ4_K);
  builder.norm("output_norm.weight");
  for (const char* name : {"attn_norm", "ffn_norm"}) builder.norm(fmt::format("blk.0.{}.weight", name));
  for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
    builder.matrix(fmt::format("blk.0.{}.weight", name), kHidden, kHidden, quant::DType::kQ4_0);
  }
  builder.matrix("blk.0.ffn_gate.weight", kHidden, kFeedForward, quant::DType::kQ4_K);
  builder.matrix("blk.0.ffn_up.weight", kHidden, kFeedForward, quant::DType::kQ8_0);
  builder.matrix("blk.0.ffn_down.weight", kFeedForward, kHidden, quant::DType::kQ6_K);
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "patina_allocations_test.gguf";
  builder.write(path);
  return path;
}

TEST(Allocations, TrainingHoldsNoFloatCopyOfAMatrix) {
  constexpr int kThreads = 2;
  const std::filesystem::path path = write_model();
  ThreadPool pool(kThreads);
  const std::unique_ptr<Model> model = Model::load(io::ModelFile::open(path), pool);
  std::filesystem::remove(path);
  adapter::LoraOptions options;
  options.rank = 4;
  options.alpha = 8.0F;
  adapter::LoraAdapter lora = adapter::create_lora(model->sites(), options);
  lora.architecture = "llama";
  adapter::Attachment attachment(model->sites().size());
  adapter::attach_lora(lora, "adapter", 1.0F, {model->sites(), "llama"}, attachment, {});
  for (const adapter::LoraEntry& entry : lora.entries) {
    entry.a.set_needs_grad(true);
    entry.b.set_needs_grad(true);
  }
  const std::vector<int32_t> tokens = {1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<int32_t> rows = {3, 4, 5, 6};
  const std::vector<int32_t> targets = {5, 6, 7, 8};
  const std::vector<float> weights(4, 0.25F);
  const std::vector<SequencePart> parts = {{tokens, nullptr}};
  for (const bool precise : {false, true}) {
    largest_allocation = 0;
    tensor::BufferPool buffers;
    ops::Context context{.pool = pool,
                         .kernels = kernels::default_kernels(),
                         .buffers = buffers,
                         .recorder = nullptr,
                         .precise = precise};
    autograd::Tape tape(buffers);
    context.recorder = &tape;
    const ops::Tensor hidden = model->hidden(context, parts, rows, attachment);
    const ops::CrossEntropy loss =
        ops::cross_entropy(context, hidden, model->output(attachment), targets, weights, {.wanted = true});
    tape.backward(context, hidden, loss.dhidden);
    ASSERT_TRUE(tape.gradient(lora.entries.front().a));
    EXPECT_LE(largest_allocation, size_t{1} << 20) << "beside tensors";
    EXPECT_GT(largest_allocation, 0) << "allocations go past this test's operator new";
    // All tensors together, 1 MiB a thread for tiles among them: no matrix of 4 MiB or more.
    EXPECT_LE(buffers.peak_bytes(), int64_t{3} << 20);
    EXPECT_GT(buffers.peak_bytes(), int64_t{1} << 20);
  }
}

}  // namespace
}  // namespace patina::model
