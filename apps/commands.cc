#include "apps/commands.h"

#include <array>

namespace patina::apps {

namespace {

constexpr std::array<Command, 0> kCommands = {};

}  // namespace

std::span<const Command> all_commands() { return kCommands; }

}  // namespace patina::apps
