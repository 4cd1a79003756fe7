#pragma once

#include "adapter/attachment.h"
#include "base/log.h"
#include "engine/runtime.h"
#include "train/loss.h"

namespace patina::apps {

// The loss of a runtime's model with these adapters over all rows; -v tells of the progress. Throws kInterrupted on
// Ctrl-C.
train::LossSum measure_rows(const engine::Runtime& runtime, const adapter::Attachment& adapters,
                            const train::DataSet& data, const LogSink& log, const train::LossOptions& options = {});

}  // namespace patina::apps
