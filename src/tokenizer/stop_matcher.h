#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace patina::tokenizer {

// Watches streamed text for stop texts, and holds back what may turn out to be the beginning of one. What comes out
// does not depend on how the text is cut into pushes: the stop text that is complete first ends it, the longest of
// those that end together. Empty stop texts are ignored. Not thread safe; one a stream.
class StopMatcher {
 public:
  explicit StopMatcher(std::vector<std::string> stops);

  // The text that is safe to show now. After a stop text nothing more comes out, and what follows it is dropped.
  std::string push(std::string_view text);
  // What was held back, for the end of the stream; "" if it was stopped.
  std::string finish();

  bool stopped() const { return !matched_.empty(); }
  const std::string& matched() const { return matched_; }  // the stop text that ended the stream, or ""

 private:
  size_t held_length() const;

  std::vector<std::string> stops_;
  std::string pending_;  // shorter than the longest stop text between calls
  std::string matched_;
};

}  // namespace patina::tokenizer
