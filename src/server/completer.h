#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/prompt.h"
#include "engine/scheduler.h"
#include "server/responder.h"

namespace patina::server {

struct ServedAdapter {
  std::string path;
  float scale = 1;
};

// What holds where a request says nothing.
struct GenerationDefaults {
  engine::GenerationParams params;
  int64_t seed = -1;  // in place of the parameters' own; -1: a random one for each request
};

// What /props and /v1/models tell.
struct ServedModel {
  std::string name;
  std::string path;
  std::string architecture;
  std::string chat_format;      // by which messages become a prompt
  std::string prompt_template;  // that wraps the prompts of /completion; empty: none does
  std::string jinja;            // the file's own chat template
  int64_t context = 0;          // positions of one prompt and its answer together
  int64_t trained_context = 0;
  int64_t vocabulary = 0;
  int64_t weight_bytes = 0;
  int slots = 0;  // answers in the making at one time
  std::vector<ServedAdapter> adapters;
  GenerationDefaults defaults;
};

// What the server serves: prompts in, answers out, several at a time. All calls may come from several threads at once.
class Completer {
 public:
  Completer() = default;
  Completer(const Completer&) = delete;
  Completer& operator=(const Completer&) = delete;
  virtual ~Completer() = default;

  virtual const ServedModel& model() const = 0;

  // As engine::make_prompt() and engine::make_chat_prompt(). Throws kInvalidArgument for what can never fit into the
  // context.
  virtual engine::Prompt prompt(std::string_view text, bool raw) const = 0;
  virtual engine::Prompt chat_prompt(std::span<const tokenizer::ChatMessage> messages) const = 0;

  // As engine::Scheduler::submit(); the request runs until it is done or the job is destroyed. Null when too many
  // requests wait already, or the completer stops.
  virtual std::unique_ptr<Job> start(engine::Request request) = 0;

  virtual std::vector<engine::TokenId> tokenize(std::string_view text, bool add_special, bool parse_special) const = 0;
  // Throws kInvalidArgument for an id outside the vocabulary.
  virtual std::string detokenize(const std::vector<engine::TokenId>& tokens) const = 0;
};

}  // namespace patina::server
