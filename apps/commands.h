#pragma once

#include <span>

#include "apps/command.h"

namespace patina::apps {

// Every command of the program, in the order in which `patina --help` lists them.
std::span<const Command> all_commands();

}  // namespace patina::apps
