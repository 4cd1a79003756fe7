#pragma once

#include <span>

#include "apps/ignored_flags.h"

namespace patina::apps {

// Flags of other trainers that have another name here: of llama.cpp's former `finetune`, of its llama-finetune, and of
// finetune-lora in forks of it.
std::span<const RenamedFlag> old_finetune_flags();

// Those without a meaning here, some with what to do instead.
std::span<const IgnoredFlag> old_finetune_flags_without_meaning();

}  // namespace patina::apps
