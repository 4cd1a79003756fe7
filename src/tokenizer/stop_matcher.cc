#include "tokenizer/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace patina::tokenizer {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped()) return {};
  pending_ += text;
  size_t first_end = std::string::npos;
  for (const std::string& stop : stops_) {
    const size_t begin = pending_.find(stop);
    if (begin == std::string::npos) continue;
    const size_t end = begin + stop.size();
    if (end < first_end || (end == first_end && stop.size() > matched_.size())) {
      first_end = end;
      matched_ = stop;
    }
  }
  const size_t safe = stopped() ? first_end - matched_.size() : pending_.size() - held_length();
  std::string shown = pending_.substr(0, safe);
  pending_.erase(0, stopped() ? pending_.size() : safe);
  return shown;
}

std::string StopMatcher::finish() { return std::exchange(pending_, {}); }

size_t StopMatcher::held_length() const {
  size_t held = 0;
  for (const std::string& stop : stops_) {
    for (size_t length = std::min(stop.size() - 1, pending_.size()); length > held; --length) {
      if (std::string_view(pending_).ends_with(std::string_view(stop).substr(0, length))) {
        held = length;
        break;
      }
    }
  }
  return held;
}

}  // namespace patina::tokenizer
