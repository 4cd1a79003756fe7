#include "engine/scheduler.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"
#include "engine/drafter.h"
#include "engine/forward.h"
#include "engine/sequence.h"

namespace patina::engine {

namespace {

// Tokens of new prompts in one forward pass while answers are running, which wait for them.
constexpr int64_t kPromptChunkBesideAnswers = 64;

// Rows of answers in one forward pass up to which guesses are added: beyond, a row costs more than it may save.
constexpr int64_t kAnswerRows = 16;

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return {ErrorKind::kOutOfMemory, "there is not enough memory for this request; use a shorter one"};
  } catch (const std::exception& error) {
    return {ErrorKind::kIo, fmt::format("the request failed: {}", error.what())};
  } catch (...) {
    return {ErrorKind::kIo, "the request failed"};
  }
}

}  // namespace

class Scheduler::Loop {
 public:
  Loop(const Runtime& runtime, const SchedulerOptions& options, LogSink log);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  std::optional<RequestId> submit(Request request);
  void cancel(RequestId id);
  void drain();
  void stop();
  SchedulerStats stats() const;

 private:
  struct Job {
    RequestId id = 0;
    Request request;
    std::atomic<bool> cancelled = false;
  };
  // A place for one running answer; keeps the tokens it has read for the next request that begins like them.
  struct Slot {
    Sequence sequence;
    std::unique_ptr<Drafter> drafter;  // null: no speculation
    std::shared_ptr<Job> job;          // null: free
    uint64_t last_used = 0;
  };

  void run();
  bool wait_for_work();
  void admit();
  void occupy(Slot& slot, std::shared_ptr<Job> job);
  std::shared_ptr<Job> next_queued();
  static int64_t saving(Sequence& sequence, std::span<const TokenId> prompt);
  Slot& slot_for(std::span<const TokenId> prompt);
  void step();
  void propose();
  std::vector<Reading> plan(std::vector<Slot*>& slots);
  void advance(Slot& slot, std::span<const float> logits);
  void count(int64_t prompt_tokens, int64_t generated_tokens);
  void end(Slot& slot, std::optional<Error> error);
  void report(const std::shared_ptr<Job>& job, const Outcome& outcome);

  const Runtime& runtime_;
  const SchedulerOptions options_;
  const LogSink log_;

  // Used by the loop's thread only.
  tensor::BufferPool buffers_;
  ops::Context context_;
  model::KvCache cache_;
  std::vector<Slot> slots_;
  uint64_t clock_ = 0;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable work_;
  std::condition_variable idle_;  // live_ has become empty
  std::deque<std::shared_ptr<Job>> queue_;
  std::map<RequestId, std::shared_ptr<Job>> live_;  // queued and running
  RequestId last_id_ = 0;
  bool accepting_ = true;
  bool ending_ = false;
  SchedulerStats stats_;

  std::thread thread_;  // last: sees everything above
};

Scheduler::Loop::Loop(const Runtime& runtime, const SchedulerOptions& options, LogSink log)
    : runtime_(runtime),
      options_(options),
      log_(std::move(log)),
      context_(runtime.make_context(buffers_)),
      cache_(runtime.model().hyper(), model::whole_kv_blocks(runtime.context_length()) * options.slots,
             runtime.cache_types()) {
  slots_.reserve(static_cast<size_t>(options.slots));
  for (int i = 0; i < options.slots; ++i) {
    slots_.push_back({.sequence = Sequence(runtime.tokenizer(), cache_, runtime.context_length()),
                      .drafter = make_drafter(runtime),
                      .job = {}});
  }
  stats_.slots = options.slots;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    fail(ErrorKind::kOutOfMemory, "cannot start the thread that answers ({}); end other programs", error.what());
  }
}

Scheduler::Loop::~Loop() {
  stop();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  work_.notify_all();
  thread_.join();
}

std::optional<RequestId> Scheduler::Loop::submit(Request request) {
  Sequence::check(runtime_.tokenizer(), runtime_.context_length(), request.tokens, request.params);
  auto job = std::make_shared<Job>();
  job->request = std::move(request);
  {
    const std::lock_guard lock(mutex_);
    const bool would_wait = live_.size() >= slots_.size();
    if (!accepting_ || (would_wait && live_.size() - slots_.size() >= options_.max_queued)) return std::nullopt;
    job->id = ++last_id_;
    live_.emplace(job->id, job);
    queue_.push_back(job);
  }
  work_.notify_one();
  return job->id;
}

void Scheduler::Loop::cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  if (found != live_.end()) found->second->cancelled = true;
}

void Scheduler::Loop::drain() {
  std::unique_lock lock(mutex_);
  accepting_ = false;
  idle_.wait(lock, [this] { return live_.empty(); });
}

void Scheduler::Loop::stop() {
  {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    for (const auto& [id, job] : live_) job->cancelled = true;
  }
  drain();
}

SchedulerStats Scheduler::Loop::stats() const {
  const std::lock_guard lock(mutex_);
  SchedulerStats stats = stats_;
  stats.queued = queue_.size();
  return stats;
}

void Scheduler::Loop::run() {
  while (wait_for_work()) {
    admit();
    step();
  }
}

// False when there will be no more.
bool Scheduler::Loop::wait_for_work() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return ending_ || !live_.empty(); });
  return !live_.empty();
}

// Takes requests out of the queue while there are free slots, and cancelled ones wherever they wait.
void Scheduler::Loop::admit() {
  while (const std::shared_ptr<Job> job = next_queued()) {
    if (job->cancelled) {
      Outcome outcome;
      outcome.generation.prompt_tokens = static_cast<int64_t>(job->request.tokens.size());
      report(job, outcome);
      continue;
    }
    Slot& slot = slot_for(job->request.tokens);
    occupy(slot, job);
    try {
      slot.sequence.begin(job->request.tokens, job->request.params, job->request.on_text);
    } catch (...) {
      end(slot, current_error());
    }
  }
}

void Scheduler::Loop::occupy(Slot& slot, std::shared_ptr<Job> job) {
  slot.job = std::move(job);
  slot.last_used = ++clock_;
  const std::lock_guard lock(mutex_);
  ++stats_.running;
}

std::shared_ptr<Scheduler::Loop::Job> Scheduler::Loop::next_queued() {
  const bool has_slot = std::ranges::any_of(slots_, [](const Slot& slot) { return slot.job == nullptr; });
  const std::lock_guard lock(mutex_);
  const auto next =
      std::ranges::find_if(queue_, [has_slot](const std::shared_ptr<Job>& job) { return has_slot || job->cancelled; });
  if (next == queue_.end()) return nullptr;
  std::shared_ptr<Job> job = *next;
  queue_.erase(next);
  return job;
}

// How many tokens a prompt saves by taking over a sequence; 0 where it would throw away more than that (a common BOS is
// no reason to).
int64_t Scheduler::Loop::saving(Sequence& sequence, std::span<const TokenId> prompt) {
  const int64_t prefix = sequence.cached_prefix(prompt);
  const int64_t whole = std::min(sequence.cache().length(), static_cast<int64_t>(prompt.size()));
  return 2 * prefix >= whole ? prefix : 0;
}

// The free slot that saves most; among equals the one unused for longest.
Scheduler::Loop::Slot& Scheduler::Loop::slot_for(std::span<const TokenId> prompt) {
  Slot* best = nullptr;
  int64_t best_saving = 0;
  for (Slot& slot : slots_) {
    if (slot.job != nullptr) continue;
    const int64_t saved = saving(slot.sequence, prompt);
    const bool better =
        best == nullptr || saved > best_saving || (saved == best_saving && slot.last_used < best->last_used);
    if (!better) continue;
    best = &slot;
    best_saving = saved;
  }
  return *best;
}

void Scheduler::Loop::step() {
  for (Slot& slot : slots_) {
    if (slot.job != nullptr && slot.job->cancelled) end(slot, std::nullopt);
  }
  propose();
  std::vector<Slot*> slots;
  const std::vector<Reading> readings = plan(slots);
  if (readings.empty()) return;
  try {
    const ForwardResult result = forward(runtime_, context_, readings);
    for (size_t i = 0; i < readings.size(); ++i) {
      const std::optional<std::span<const float>> logits = result.logits(i);
      if (!slots[i]->sequence.answering()) count(readings[i].tokens, 0);
      if (logits) advance(*slots[i], *logits);
    }
  } catch (...) {
    const Error error = current_error();
    log(log_, LogLevel::kError, error.what());
    for (Slot* slot : slots) end(*slot, error);
  }
}

// Adds guesses to the answers under way.
void Scheduler::Loop::propose() {
  const auto answering = [](const Slot& slot) { return slot.job != nullptr && slot.sequence.answering(); };
  const int64_t answers = std::ranges::count_if(slots_, answering);
  if (answers == 0) return;
  const int64_t most = std::min(runtime_.speculation().most, kAnswerRows / answers - 1);
  for (Slot& slot : slots_) {
    if (!answering(slot) || slot.drafter == nullptr) continue;
    try {
      slot.sequence.propose(*slot.drafter, most);
    } catch (...) {
      end(slot, current_error());
    }
  }
}

// What each running request reads in the next forward pass: answers their one token and the guesses, prompts, the
// oldest first, what the chunk has room for.
std::vector<Reading> Scheduler::Loop::plan(std::vector<Slot*>& slots) {
  std::vector<Slot*> reading_prompts;
  std::vector<Reading> readings;
  for (Slot& slot : slots_) {
    if (slot.job == nullptr) continue;
    if (slot.sequence.answering()) {
      readings.push_back({&slot.sequence, static_cast<int64_t>(slot.sequence.pending().size())});
      slots.push_back(&slot);
    } else {
      reading_prompts.push_back(&slot);
    }
  }
  int64_t room = readings.empty() ? kPromptChunk : kPromptChunkBesideAnswers;
  std::ranges::sort(reading_prompts, {}, [](const Slot* slot) { return slot->job->id; });
  for (Slot* slot : reading_prompts) {
    const int64_t tokens = std::min(room, static_cast<int64_t>(slot->sequence.pending().size()));
    if (tokens == 0) break;
    readings.push_back({&slot->sequence, tokens});
    slots.push_back(slot);
    room -= tokens;
  }
  return readings;
}

void Scheduler::Loop::advance(Slot& slot, std::span<const float> logits) {
  const int64_t before = slot.sequence.generation().generated_tokens;
  try {
    slot.sequence.take_logits(logits);
    count(0, slot.sequence.generation().generated_tokens - before);
    if (slot.sequence.done()) end(slot, std::nullopt);
  } catch (...) {
    end(slot, current_error());
  }
}

void Scheduler::Loop::count(int64_t prompt_tokens, int64_t generated_tokens) {
  const std::lock_guard lock(mutex_);
  stats_.prompt_tokens += static_cast<uint64_t>(prompt_tokens);
  stats_.generated_tokens += static_cast<uint64_t>(generated_tokens);
}

// Frees the slot and reports; an answer under way counts as cancelled.
void Scheduler::Loop::end(Slot& slot, std::optional<Error> error) {
  try {
    slot.sequence.finish(StopReason::kCancelled);
  } catch (...) {
    error = current_error();
  }
  const std::shared_ptr<Job> job = std::exchange(slot.job, nullptr);
  {
    const std::lock_guard lock(mutex_);
    --stats_.running;
  }
  report(job, {slot.sequence.generation(), std::move(error)});
}

void Scheduler::Loop::report(const std::shared_ptr<Job>& job, const Outcome& outcome) {
  try {
    if (job->request.on_done) job->request.on_done(outcome);
    job->request = {};
  } catch (...) {
    log(log_, LogLevel::kError, current_error().what());
  }
  const std::lock_guard lock(mutex_);
  live_.erase(job->id);
  ++stats_.requests_done;
  if (live_.empty()) idle_.notify_all();
}

Scheduler::Scheduler(const Runtime& runtime, const SchedulerOptions& options, LogSink log) {
  if (options.slots < 1 || options.slots > kMaxSlots) {
    fail(ErrorKind::kInvalidArgument, "the number of parallel requests is {}; it must be 1 to {}", options.slots,
         kMaxSlots);
  }
  loop_ = std::make_unique<Loop>(runtime, options, std::move(log));
}

Scheduler::~Scheduler() = default;

std::optional<RequestId> Scheduler::submit(Request request) { return loop_->submit(std::move(request)); }
void Scheduler::cancel(RequestId id) { loop_->cancel(id); }
void Scheduler::drain() { loop_->drain(); }
void Scheduler::stop() { loop_->stop(); }
SchedulerStats Scheduler::stats() const { return loop_->stats(); }

}  // namespace patina::engine
