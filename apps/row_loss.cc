#include "apps/row_loss.h"

#include <fmt/format.h>

#include "base/error.h"
#include "platform/signals.h"

namespace patina::apps {

train::LossSum measure_rows(const engine::Runtime& runtime, const adapter::Attachment& adapters,
                            const train::DataSet& data, const LogSink& log, const train::LossOptions& options) {
  constexpr size_t kPassTokens = 512;
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  const train::LossSetting setting{runtime.model(), context, adapters, options};
  const platform::InterruptGuard interrupt;
  return train::data_loss(setting, data, kPassTokens, [&](const train::LossSum& sum) {
    if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped after {} of {} rows", sum.examples, data.size());
    patina::log(log, LogLevel::kDebug, fmt::format("[{}/{}] loss = {:.4f}", sum.examples, data.size(), sum.mean()));
    return true;
  });
}

}  // namespace patina::apps
