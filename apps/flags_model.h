#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/command_line.h"
#include "io/model_file.h"

// Groups of flags that commands share. Each add_... puts flags into the command line; the struct holds their values
// after CommandLine::parse().
namespace patina::apps {

// --rms-norm-eps and the others for what a GGJT file does not say.
void add_legacy_flags(CommandLine& line, io::LegacyHints& hints);

// -m/--model and what a GGJT file does not say. llama.cpp's flags without a meaning are accepted along with these.
struct ModelFlags {
  std::filesystem::path path;
  io::LegacyHints hints;
};
void add_model_flags(CommandLine& line, ModelFlags& flags);

// Of -t/--threads, for every command that has it.
constexpr const char* kThreadsHelp =
    "threads, at most one for each processor at hand; 0 or less: one for each fast core, hyper-threads not counted";

void add_precise_flag(CommandLine& line, bool& precise);

// -t/--threads and --precise: how the arithmetic is done.
struct ComputeFlags {
  int threads = 0;  // see platform::threads_to_use()
  bool precise = false;
};
void add_compute_flags(CommandLine& line, ComputeFlags& flags);

// -c/--ctx-size, --cache-type-k, --cache-type-v.
struct ContextFlags {
  int64_t size = 0;  // 0: the smaller of what the model was trained for and 4,096
  std::string key_type = "f16";
  std::string value_type = "f16";
};
void add_context_flags(CommandLine& line, ContextFlags& flags);
void add_cache_type_flags(CommandLine& line, ContextFlags& flags);  // all but the size

struct AdapterSpec {
  std::filesystem::path path;
  float scale = 1.0F;
  friend bool operator==(const AdapterSpec&, const AdapterSpec&) = default;
};

// "FILE:SCALE": what follows the last colon, when that is a number, is the scale; 1 otherwise (so that a colon may be
// part of the file's name).
AdapterSpec parse_scaled_adapter(std::string_view text);

// --lora, --lora-adapter, --lora-scaled, each repeatable.
struct AdapterFlags {
  std::vector<std::string> files;
  std::vector<std::string> scaled;

  std::vector<AdapterSpec> specs() const;
};
void add_adapter_flags(CommandLine& line, AdapterFlags& flags);

// --template and --chat-template, by the names of tokenizer::chat_format_from_name().
struct TemplateFlags {
  std::string prompt;  // --template
  std::string chat;    // --chat-template
};
void add_template_flags(CommandLine& line, TemplateFlags& flags);

}  // namespace patina::apps
