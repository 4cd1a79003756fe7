#pragma once

#include <span>

#include "apps/command.h"

namespace patina::apps {

// Every command of the program, in the order in which `patina --help` lists them.
std::span<const Command> all_commands();

int run_main(const Invocation& call);
int run_finetune(const Invocation& call);
int run_server(const Invocation& call);
int run_perplexity(const Invocation& call);
int run_eval(const Invocation& call);
int run_data(const Invocation& call);
int run_bench(const Invocation& call);
int run_quantize(const Invocation& call);
int run_merge(const Invocation& call);
int run_adapter(const Invocation& call);
int run_inspect(const Invocation& call);
int run_tokenize(const Invocation& call);

}  // namespace patina::apps
