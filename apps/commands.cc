#include "apps/commands.h"

#include <array>

namespace patina::apps {

namespace {

constexpr auto kCommands = std::to_array<Command>({
    {"main", "generate text, or chat at a terminal", run_main},
    {"finetune", "train a LoRA adapter on a text", run_finetune},
    {"server", "answer prompts and conversations over HTTP", run_server},
    {"perplexity", "measure how well a model predicts a text", run_perplexity},
    {"eval", "measure how well a model answers the rows of a text", run_eval},
    {"data", "show what is in training data", run_data},
    {"bench", "measure how fast a model reads, writes and learns", run_bench},
    {"quantize", "write a model with smaller tensor types", run_quantize},
    {"merge", "write a model with an adapter put into its weights", run_merge},
    {"adapter", "look at adapters, convert, merge, scale and average them", run_adapter},
    {"inspect", "print what a model or adapter file holds", run_inspect},
    {"tokenize", "turn a text into tokens", run_tokenize},
});

}  // namespace

std::span<const Command> all_commands() { return kCommands; }

}  // namespace patina::apps
