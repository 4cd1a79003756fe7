#pragma once

#include <string_view>

namespace patina::apps {

constexpr std::string_view kVersion = PATINA_VERSION;

}  // namespace patina::apps
