#pragma once

#include "apps/flags_model.h"
#include "engine/runtime.h"

namespace patina::apps {

// All that opening a model with its adapters takes: the groups of flags_model.h together.
struct RuntimeFlags {
  ModelFlags model;
  ComputeFlags compute;
  ContextFlags context;
  AdapterFlags adapters;
  TemplateFlags templates;

  engine::RuntimeOptions options() const;
};
// With --template and --chat-template only if `templates`.
void add_runtime_flags(CommandLine& line, RuntimeFlags& flags, bool templates);

}  // namespace patina::apps
