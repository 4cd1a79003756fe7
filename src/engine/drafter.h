#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "tokenizer/tokenizer.h"

namespace patina::engine {

using tokenizer::TokenId;

// Guesses how a text goes on, so that one forward pass can check several tokens (Leviathan et al., 2023, "Fast
// Inference from Transformers via Speculative Decoding"). One a sequence; not thread safe.
class Drafter {
 public:
  Drafter() = default;
  Drafter(const Drafter&) = delete;
  Drafter& operator=(const Drafter&) = delete;
  virtual ~Drafter() = default;

  // Up to `most` tokens that may follow `text`, none where a guess would not pay; valid until the next call. Cheap
  // where the text goes on from that of the last call, which also shows how good the last guess was; any other is right
  // too.
  virtual std::span<const TokenId> propose(std::span<const TokenId> text, int64_t most) = 0;
};

class Runtime;

// What the runtime's speculation options ask for; null where they turn speculation off. The runtime must outlive it.
std::unique_ptr<Drafter> make_drafter(const Runtime& runtime);

}  // namespace patina::engine
