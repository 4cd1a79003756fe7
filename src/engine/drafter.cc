#include "engine/drafter.h"

#include "engine/draft_model.h"
#include "engine/prompt_lookup.h"
#include "engine/runtime.h"

namespace patina::engine {

std::unique_ptr<Drafter> make_drafter(const Runtime& runtime) {
  if (!runtime.speculation().enabled) return nullptr;
  if (runtime.draft() != nullptr) return std::make_unique<DraftModel>(*runtime.draft(), runtime.speculation());
  return std::make_unique<PromptLookup>();
}

}  // namespace patina::engine
