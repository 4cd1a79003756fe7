#include "engine/generation.h"

namespace patina::engine {

std::string_view stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfText:
      return "end of text";
    case StopReason::kStopText:
      return "stop text";
    case StopReason::kLength:
      return "length";
    case StopReason::kContextFull:
      return "context full";
    case StopReason::kCancelled:
      break;
  }
  return "cancelled";
}

}  // namespace patina::engine
