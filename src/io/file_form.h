#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "io/model_file.h"

namespace patina::io {

// Tells the form of a model file by its first bytes alone. Throws with a sentence that begins with `source`, names the
// form where it is known, and says what to do: kUnsupported for other forms of models, kInvalidData for what is no
// model at all.
FileForm detect_form(std::span<const std::byte> bytes, std::string_view source);

}  // namespace patina::io
