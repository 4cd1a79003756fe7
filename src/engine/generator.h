#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "engine/generation.h"
#include "engine/runtime.h"

namespace patina::engine {

// Answers one prompt after another, and keeps what it has read: a prompt that begins like the last one and its answer
// (the next turn of a chat) costs only what is new. Not thread safe. The runtime must outlive it.
class Generator {
 public:
  // Takes `text` as it becomes final: whole characters, never part of what may become a stop text.
  using OnText = std::function<void(std::string_view text)>;
  // Asked before every forward pass.
  using Cancelled = std::function<bool()>;

  explicit Generator(const Runtime& runtime) : Generator(runtime, runtime.attachment()) {}
  // With other adapters than the runtime's, which must outlive it and stay as they are while it answers.
  Generator(const Runtime& runtime, const adapter::Attachment& adapters);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Throws kInvalidArgument for a prompt without tokens or one that leaves no position in the context, and what Sampler
  // and the forward pass throw; the generator can be used again after that.
  Generation generate(std::span<const TokenId> prompt, const GenerationParams& params, const OnText& on_text = {},
                      const Cancelled& cancelled = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace patina::engine
