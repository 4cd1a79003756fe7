#include <fmt/format.h>

#include <string>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_runtime.h"
#include "apps/flags_sampling.h"
#include "apps/flags_speculation.h"
#include "server/api.h"
#include "server/engine_completer.h"
#include "server/http_server.h"

namespace patina::apps {
namespace {

struct ServerFlags {
  RuntimeFlags runtime;
  SamplingFlags sampling;
  SpeculationFlags speculation;
  int64_t predict = -1;
  int slots = 4;
  size_t max_queued = 64;
  server::ServerOptions http;
  size_t max_body_mib = 8;
  int timeout_seconds = 30;
};

void add_http_flags(CommandLine& line, ServerFlags& flags) {
  FlagGroup group = line.group("Serving");
  group.add("--host", flags.http.host, "ADDRESS", "address to listen on; 0.0.0.0: every one of this machine");
  group.add("--port", flags.http.port, "N", "port to listen on; 0: a free one");
  group.add("--np,--parallel", flags.slots, "N", "requests answered at once, in one batch")
      .between(1, engine::kMaxSlots);
  group.add("--max-queued", flags.max_queued, "N", "requests that may wait beyond those; more are answered with 503");
  group.add("--threads-http", flags.http.threads, "N", "threads that read requests and write answers").between(1, 64);
  group.add("--max-connections", flags.http.max_connections, "N", "open connections; more are answered with 503")
      .between(1, 60'000);
  group.add("--max-body", flags.max_body_mib, "MIB", "largest request body; a larger one is answered with 413")
      .between(1, 1024);
  group
      .add("--timeout", flags.timeout_seconds, "SECONDS",
           "how long a client may take for a request's head, twice that for its body")
      .between(1, 86'400);
}

server::CompleterOptions completer_options(const ServerFlags& flags) {
  server::CompleterOptions options;
  options.scheduler = {.slots = flags.slots, .max_queued = flags.max_queued};
  options.defaults.params.sampling = flags.sampling.params;
  options.defaults.params.max_tokens = flags.predict;
  options.defaults.seed = flags.sampling.seed;
  options.model_path = flags.runtime.model.path.string();
  for (const AdapterSpec& spec : flags.runtime.adapters.specs())
    options.adapters.push_back({spec.path.string(), spec.scale});
  return options;
}

}  // namespace

int run_server(const Invocation& call) {
  ServerFlags flags;
  CommandLine line(call, "Answers prompts and conversations over HTTP.");
  add_runtime_flags(line, flags.runtime, true);
  add_sampling_flags(line, flags.sampling);
  add_speculation_flags(line, flags.speculation);
  line.add("-n,--predict", flags.predict, "N", "tokens of an answer where the request does not say; -1: no limit")
      .between(-1, INT64_MAX);
  add_http_flags(line, flags);
  if (!line.parse()) return kExitSuccess;

  flags.http.max_body = flags.max_body_mib << 20;
  flags.http.head_timeout = std::chrono::seconds(flags.timeout_seconds);
  flags.http.body_timeout = 2 * flags.http.head_timeout;
  server::Router router;
  server::HttpServer http(flags.http, router,
                          line.log());  // first, since a port in use should not be news of minutes later
  engine::RuntimeOptions options = flags.runtime.options();
  options.speculation = flags.speculation.options();
  const auto runtime = engine::Runtime::open(options, line.log());
  server::EngineCompleter completer(*runtime, completer_options(flags), line.log());
  router = server::make_router(completer);
  http.drain_on_signals();
  log(line.log(), LogLevel::kInfo,
      fmt::format("listening on http://{}:{} ({} requests at once)", flags.http.host, http.port(), flags.slots));
  http.run();
  log(line.log(), LogLevel::kInfo, "finished");
  return kExitSuccess;
}

}  // namespace patina::apps
