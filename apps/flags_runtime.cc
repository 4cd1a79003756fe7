#include "apps/flags_runtime.h"

#include "platform/cores.h"
#include "quant/dtype.h"

namespace patina::apps {

engine::RuntimeOptions RuntimeFlags::options() const {
  engine::RuntimeOptions options;
  options.model = model.path;
  options.hints = model.hints;
  options.threads = platform::threads_to_use(compute.threads);
  options.precise = compute.precise;
  options.context = context.size;
  const auto cache_type = [](const std::string& name) {
    return quant::dtype_from_name(name).value_or(quant::DType::kF16);  // the flags take no unknown name
  };
  options.cache_types = {.keys = cache_type(context.key_type), .values = cache_type(context.value_type)};
  for (const AdapterSpec& spec : adapters.specs()) options.adapters.push_back({spec.path, spec.scale});
  options.prompt_template = templates.prompt;
  options.chat_template = templates.chat;
  return options;
}

void add_runtime_flags(CommandLine& line, RuntimeFlags& flags, bool templates) {
  add_model_flags(line, flags.model);
  add_compute_flags(line, flags.compute);
  add_context_flags(line, flags.context);
  add_adapter_flags(line, flags.adapters);
  if (templates) add_template_flags(line, flags.templates);
}

}  // namespace patina::apps
