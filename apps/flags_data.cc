#include "apps/flags_data.h"

#include <optional>

#include "base/error.h"

namespace patina::apps {

train::TrainingText DataFlags::read() const {
  const std::optional<train::TextEncoding> known = train::text_encoding_from_name(encoding);
  if (!known) {
    fail(ErrorKind::kInvalidArgument, "unknown encoding {}; known are auto, utf-8, utf-16 and gb18030", encoding);
  }
  return train::read_training_text(path, *known);
}

void add_data_flags(FlagGroup& group, DataFlags& flags, const std::string& name, const std::string& description) {
  group
      .add(name, flags.path, "FILE",
           description + ": blocks of \"### Instruction:\" and \"### Response:\",\nor one example a line")
      .required();
  group.add("--encoding", flags.encoding, "NAME", "of that text: auto (UTF-8, or UTF-16 where it looks so), gb18030");
}

}  // namespace patina::apps
