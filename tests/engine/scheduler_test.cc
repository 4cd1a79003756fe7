#include "engine/scheduler.h"

#include <pthread.h>

#include <cstdint>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "engine/scarce_memory.h"
#include "engine/tiny_model.h"

namespace patina::engine {
namespace {

using io::expect_error;

// What becomes of a request, for a test to wait for.
class Watch {
 public:
  Request request(std::vector<TokenId> tokens, const GenerationParams& params) {
    Request request{std::move(tokens), params, {}, {}};
    request.on_text = [this](std::string_view text) { text_ += text; };
    request.on_done = [this](const Outcome& outcome) { done_.set_value(outcome); };
    return request;
  }
  const Outcome& wait() {
    outcome_ = done_.get_future().get();
    return outcome_;
  }
  // To be asked after wait().
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::promise<Outcome> done_;
  Outcome outcome_;
};

const std::vector<std::string> kPrompts = {"a", "hello", "the quick brown fox", "zz", "patina", "abcabcabcabcabcabc"};

TEST(Scheduler, ManyTogetherAnswerAsEachAlone) {
  const TinyModel model;
  const auto runtime = model.open();
  std::vector<Watch> watches(2 * kPrompts.size());
  Scheduler scheduler(*runtime, {.slots = 3});
  for (size_t i = 0; i < watches.size(); ++i) {
    const std::string& prompt = kPrompts[i % kPrompts.size()];
    const auto length = static_cast<int64_t>(10 + 5 * i);
    ASSERT_TRUE(scheduler.submit(watches[i].request(runtime->tokenizer().encode(prompt), greedy(length))));
  }
  for (size_t i = 0; i < watches.size(); ++i) {
    const std::string& prompt = kPrompts[i % kPrompts.size()];
    const auto length = static_cast<int64_t>(10 + 5 * i);
    const Outcome& outcome = watches[i].wait();
    EXPECT_FALSE(outcome.error);
    EXPECT_EQ(outcome.generation.reason, StopReason::kLength);
    EXPECT_EQ(watches[i].text(), answer(*runtime, prompt, greedy(length)).text) << prompt;
  }
  scheduler.drain();
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.requests_done, watches.size());
  EXPECT_EQ(stats.running, 0);
  EXPECT_EQ(stats.queued, 0U);
  EXPECT_EQ(stats.generated_tokens, 12U * 10 + 5 * 66);
}

TEST(Scheduler, RepeatedTextIsGuessedAhead) {
  TinyModel model;
  const auto runtime = model.open();
  std::string prompt;
  for (int i = 0; i < 8; ++i) prompt += "hello";
  model.options.speculation.enabled = false;
  const auto plain = model.open();
  const std::string expected = answer(*plain, prompt, greedy(400)).text;
  Watch alone;
  std::vector<Watch> together(3);
  Scheduler scheduler(*runtime, {.slots = 3});
  const std::vector<TokenId> tokens = runtime->tokenizer().encode(prompt);
  ASSERT_TRUE(scheduler.submit(alone.request(tokens, greedy(400))));
  EXPECT_GT(alone.wait().generation.accepted_tokens, 0);
  EXPECT_EQ(alone.text(), expected);
  for (Watch& watch : together) ASSERT_TRUE(scheduler.submit(watch.request(tokens, greedy(400))));
  for (Watch& watch : together) {
    EXPECT_EQ(watch.wait().generation.generated_tokens, 400);
    EXPECT_EQ(watch.text(), expected);
  }
  EXPECT_EQ(scheduler.stats().generated_tokens, 4U * 400);
}

// A request that comes while another is answered gets its first text before the other's last, however long its prompt.
TEST(Scheduler, NewRequestsJoinWhileOthersRun) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 2});
  std::string order;
  std::promise<void> first_done;
  std::promise<void> second_done;
  Request second{std::vector<TokenId>(500, 261), greedy(5), {}, {}};
  second.on_text = [&](std::string_view) { order += '2'; };
  second.on_done = [&](const Outcome&) { second_done.set_value(); };
  Request first{{1, 260}, greedy(200), {}, {}};
  first.on_text = [&](std::string_view) {
    if (order.empty()) {
      EXPECT_TRUE(scheduler.submit(std::move(second)));
    }
    order += '1';
  };
  first.on_done = [&](const Outcome&) { first_done.set_value(); };
  ASSERT_TRUE(scheduler.submit(std::move(first)));
  first_done.get_future().wait();
  second_done.get_future().wait();
  EXPECT_GT(order.find('2'), 5U) << "the prompt was read in one piece, and the first answer waited";
  EXPECT_LT(order.find('2'), order.rfind('1'));
  EXPECT_EQ(std::ranges::count(order, '1'), 200);
}

TEST(Scheduler, RunningAndQueuedRequestsCanBeCancelled) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 1});
  Watch running;
  Watch queued;
  Watch last;
  std::optional<RequestId> queued_id;
  std::promise<RequestId> running_id;
  Request request = running.request({1, 260}, greedy(-1));
  request.on_text = [&, id = running_id.get_future().share()](std::string_view) {
    if (!queued_id) {
      queued_id = scheduler.submit(queued.request({1, 261}, greedy(5)));
      if (queued_id) scheduler.cancel(*queued_id);
    } else {
      scheduler.cancel(id.get());
    }
  };
  running_id.set_value(scheduler.submit(std::move(request)).value_or(0));
  EXPECT_EQ(running.wait().generation.reason, StopReason::kCancelled);
  EXPECT_EQ(queued.wait().generation.reason, StopReason::kCancelled);
  EXPECT_EQ(queued.text(), "");
  scheduler.cancel(12345);
  ASSERT_TRUE(scheduler.submit(last.request({1, 262}, greedy(5))));
  EXPECT_EQ(last.wait().generation.reason, StopReason::kLength);
}

TEST(Scheduler, AFullQueueTakesNoMore) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 1, .max_queued = 1});
  Watch running;
  Watch queued;
  Watch refused;
  std::optional<bool> taken[2];
  Request request = running.request({1, 260}, greedy(3));
  request.on_text = [&](std::string_view) {
    if (taken[0]) return;
    taken[0] = scheduler.submit(queued.request({1, 261}, greedy(3))).has_value();
    taken[1] = scheduler.submit(refused.request({1, 262}, greedy(3))).has_value();
  };
  ASSERT_TRUE(scheduler.submit(std::move(request)));
  running.wait();
  queued.wait();
  EXPECT_EQ(taken[0], true);
  EXPECT_EQ(taken[1], false);
}

TEST(Scheduler, AQueueMayBeAsLongAsNumbersGo) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 1, .max_queued = SIZE_MAX});
  Watch running;
  Watch queued;
  EXPECT_TRUE(scheduler.submit(running.request({1, 260}, greedy(3))));
  EXPECT_TRUE(scheduler.submit(queued.request({1, 261}, greedy(3))));
  scheduler.drain();
}

TEST(Scheduler, SaysWhereNoThreadCanBeStarted) {
#ifdef PATINA_SANITIZED
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  const TinyModel model;
  const auto runtime = model.open();
  pthread_attr_t before;
  pthread_attr_t large;
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(::pthread_attr_init(&large), 0);
  ::pthread_attr_setstacksize(&large, size_t{256} << 20);  // which no thread that has ended left behind
  ::pthread_setattr_default_np(&large);
  {
    const ScarceMemory scarce(size_t{16} << 20);
    expect_error([&] { const Scheduler scheduler(*runtime, {.slots = 1}); }, ErrorKind::kOutOfMemory, "thread");
  }
  ::pthread_setattr_default_np(&before);
  ::pthread_attr_destroy(&large);
  ::pthread_attr_destroy(&before);
}

TEST(Scheduler, DrainFinishesWhatThereIsAndTakesNoMore) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 2});
  std::vector<Watch> watches(5);
  for (Watch& watch : watches) ASSERT_TRUE(scheduler.submit(watch.request({1, 260}, greedy(30))));
  scheduler.drain();
  for (Watch& watch : watches) EXPECT_EQ(watch.wait().generation.generated_tokens, 30);
  Watch late;
  EXPECT_FALSE(scheduler.submit(late.request({1, 260}, greedy(3))));
}

TEST(Scheduler, StopCancelsEverything) {
  const TinyModel model;
  const auto runtime = model.open();
  std::vector<Watch> watches(5);
  {
    Scheduler scheduler(*runtime, {.slots = 2});
    for (Watch& watch : watches) ASSERT_TRUE(scheduler.submit(watch.request({1, 260}, greedy(-1))));
    scheduler.stop();
    scheduler.stop();
  }
  for (Watch& watch : watches) EXPECT_EQ(watch.wait().generation.reason, StopReason::kCancelled);
}

TEST(Scheduler, AFailureOfOneRequestIsItsOwn) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 2});
  Watch good;
  Watch bad;
  Request request = bad.request({1, 260}, greedy(20));
  request.on_text = [](std::string_view) { throw std::runtime_error("the client is gone"); };
  ASSERT_TRUE(scheduler.submit(good.request({1, 261}, greedy(20))));
  ASSERT_TRUE(scheduler.submit(std::move(request)));
  EXPECT_EQ(good.wait().generation.generated_tokens, 20);
  ASSERT_TRUE(bad.wait().error);
}

TEST(Scheduler, CallbacksAreReleasedWithTheRequest) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 1});
  const auto held = std::make_shared<int>(1);
  Request request{{1, 260}, greedy(3), [held](std::string_view) {}, [held](const Outcome&) {}};
  ASSERT_TRUE(scheduler.submit(std::move(request)));
  scheduler.drain();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Scheduler, APromptThatBeginsLikeAFinishedOneIsNotReadAgain) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 2});
  const std::vector<TokenId> tokens = runtime->tokenizer().encode("the quick brown fox");
  Watch first;
  Watch other;
  Watch second;
  ASSERT_TRUE(scheduler.submit(first.request(tokens, greedy(10))));
  first.wait();
  ASSERT_TRUE(scheduler.submit(other.request({1, 260, 261}, greedy(10))));
  other.wait();
  ASSERT_TRUE(scheduler.submit(second.request(tokens, greedy(10))));
  EXPECT_EQ(second.wait().generation.cached_tokens, static_cast<int64_t>(tokens.size()) - 1);
  EXPECT_EQ(second.text(), first.text());
}

TEST(Scheduler, WhatCannotBeAnsweredIsRefusedAtOnce) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 1});
  Watch watch;
  expect_error([&] { scheduler.submit(watch.request({}, greedy(1))); }, ErrorKind::kInvalidArgument, "empty");
  expect_error([&] { scheduler.submit(watch.request(std::vector<TokenId>(2000, 260), greedy(1))); },
               ErrorKind::kInvalidArgument, "2000 tokens");
  expect_error([&] { Scheduler(*runtime, {.slots = 0}); }, ErrorKind::kInvalidArgument, "parallel");
}

// For the thread sanitizer: everything at once, from many threads.
TEST(Scheduler, ServesManyThreads) {
  const TinyModel model;
  const auto runtime = model.open();
  Scheduler scheduler(*runtime, {.slots = 3, .max_queued = 100});
  constexpr int kClients = 4;
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  std::atomic<int> done = 0;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int round = 0; round < 5; ++round) {
        Watch watch;
        const auto id = scheduler.submit(watch.request({1, 260 + client, 261 + round}, greedy(10)));
        ASSERT_TRUE(id);
        if (round % 2 == 1) scheduler.cancel(*id);
        EXPECT_LE(scheduler.stats().running, 3);
        watch.wait();
        ++done;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(done, 5 * kClients);
}

}  // namespace
}  // namespace patina::engine
