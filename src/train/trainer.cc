#include "train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "adapter/principal_init.h"
#include "base/digest.h"
#include "base/error.h"
#include "platform/memory.h"
#include "train/checkpoint_files.h"
#include "train/memory_need.h"
#include "train/random.h"
#include "train/room.h"

namespace patina::train {
namespace {

using Clock = std::chrono::steady_clock;

// Examples go through the model in passes of about so many tokens: enough for the full speed of the products, and few
// enough that memory stays small, whatever the batch. Part of the arithmetic: sums of gradients go pass by pass.
constexpr size_t kPassTokens = 512;
constexpr size_t kRowsToCompare = 5;
// Forward, and backward through as many products; measured with 256 tokens of the 1.1B shape, 2.5 with weights in Q4_0
// and Q8_0 and 3.5 in Q4_K_M.
constexpr double kStepToForward = 3.0;
constexpr double kRecomputation = 1.0;
constexpr double kReference = 1.0;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

uint64_t weights_in(const io::ModelFile& file) {
  uint64_t weights = 0;
  for (const io::TensorInfo& tensor : file.tensors()) weights += static_cast<uint64_t>(tensor.elements());
  return weights;
}

adapter::Attachment attach(const model::Model& model, const ops::Context& context, const adapter::LoraAdapter& adapter,
                           const std::optional<adapter::LoraAdapter>& subtracted) {
  adapter::Attachment attachment(model.sites().size());
  const adapter::BaseWeights weights{model.file(), context.pool, context.kernels};
  const adapter::AttachmentTarget target = {model.sites(), model.hyper().architecture, 0, &weights};
  adapter::attach_lora(adapter, "the adapter", 1.0F, target, attachment, {});
  if (subtracted) adapter::attach_lora(*subtracted, "the adapter", -1.0F, target, attachment, {});
  return attachment;
}

size_t longest_pass(const DataTotals& totals, uint64_t rows) {
  const uint64_t all = std::min(totals.tokens, rows * totals.longest);
  return std::max<size_t>(totals.longest, std::min<size_t>(all, kPassTokens));
}

}  // namespace

adapter::LoraAdapter new_adapter(const model::Model& model, const adapter::LoraOptions& options,
                                 std::string_view prompt_template) {
  adapter::LoraAdapter adapter = adapter::create_lora(model.sites(), options);
  adapter.architecture = model.hyper().architecture;
  adapter.base_name = model.file().metadata().get_string("general.name", "");
  adapter.base_fingerprint = model.fingerprint();
  adapter.prompt_template = prompt_template;
  return adapter;
}

Trainer::Trainer(const model::Model& model, ops::Context& context, const adapter::LoraAdapter& adapter,
                 const DataSet& data, const TrainOptions& options, RunFiles files,
                 std::optional<adapter::LoraAdapter> subtracted)
    : model_(model),
      context_(context),
      adapter_(adapter),
      subtracted_(std::move(subtracted)),
      attachment_(attach(model, context, adapter, subtracted_)),
      data_(data),
      options_(options),
      files_(std::move(files)),
      parameters_(adapter_, context.buffers, options.parameters),
      magnitudes_(model, adapter_, attachment_, context) {
  check_options(options);
  constexpr size_t kMostExamples = size_t{1} << 31;
  if (data_.size() == 0) fail(ErrorKind::kInvalidArgument, "there is nothing to train on; give some examples");
  if (data_.size() >= kMostExamples) fail(ErrorKind::kInvalidArgument, "there are too many examples");
  amount_ = {data_.size(), options.batch_size * options.accumulation};
  epochs_ = options.epochs > 0 ? options.epochs : default_epochs(amount_);
  steps_ = epochs_ * steps_per_epoch();
  if (options.max_steps > 0) steps_ = std::min(steps_, options.max_steps);
  schedule_ = make_schedule(options, steps_, weights_in(model.file()));
  choose_memory();
  if (writes()) check_files();
  if (options.resume) load_checkpoint();
  gradient_sum_ = std::make_unique<GradientSum>(work_, parameters_);
}

void Trainer::join(Team& team) {
  work_ = Teamwork(team);
  gradient_sum_ = std::make_unique<GradientSum>(work_, parameters_);
  choose_memory();
}

Place Trainer::place() const {
  return {.rank = static_cast<uint64_t>(work_.team().rank()), .size = static_cast<uint64_t>(work_.team().size())};
}

uint64_t Trainer::bytes_of_a_pass() const {
  return pass_bytes(model_, longest_pass(data_.totals(), amount_.rows_per_step),
                    {.recompute_blocks = recompute_blocks_,
                     .compact = !context_.precise,
                     .gain_numbers = magnitudes_.saved_numbers()});
}

// The gains follow the weights that act.
class Trainer::Averaged {
 public:
  explicit Averaged(Trainer& trainer) : trainer_(trainer) {
    weights_.emplace(trainer.parameters_);
    update();
  }
  Averaged(const Averaged&) = delete;
  Averaged& operator=(const Averaged&) = delete;
  ~Averaged() {
    weights_.reset();
    update();
  }

 private:
  void update() const {
    if (trainer_.parameters_.averages()) trainer_.magnitudes_.update(trainer_.context_);
  }
  Trainer& trainer_;
  std::optional<Parameters::Averaged> weights_;
};

// The weights, what is trained and the optimizer's state are there by now.
void Trainer::choose_memory() {
  const uint64_t available = memory_to_take(options_.max_memory);
  if (available == 0 || bytes_of_a_pass() < available) return;
  recompute_blocks_ = true;
  const uint64_t needed = bytes_of_a_pass();
  if (needed < available) return;
  fail(ErrorKind::kOutOfMemory,
       "training needs {:.2f} GiB of memory beyond the model, and {:.2f} are {}; {}, shorten the longest example or "
       "give a smaller --lora-rank",
       gibibytes(needed), gibibytes(available), options_.max_memory > 0 ? "left by --max-memory" : "available",
       options_.max_memory > 0 ? "raise it" : "free some");
}

std::vector<double> Trainer::losses_of_first_rows(const adapter::Attachment& adapters) {
  std::vector<double> losses;
  for (size_t i = 0; i < std::min(kRowsToCompare, data_.size()); ++i) {
    losses.push_back(mean_loss({model_, context_, adapters}, data_.example(i)));
  }
  return losses;
}

Plan Trainer::plan() {
  const Clock::time_point start = Clock::now();
  losses_before_ = losses_of_first_rows({});
  const double seconds = seconds_since(start);
  uint64_t measured = 0;
  for (size_t i = 0; i < losses_before_.size(); ++i) measured += data_.example(i).tokens.size();
  Plan plan = {};
  plan.epoch_tokens = data_.totals().tokens;
  plan.epoch_loss_tokens = data_.totals().loss_tokens;
  plan.amount = amount_;
  plan.epochs = epochs_;
  plan.steps = steps_;
  plan.steps_done = step_;
  plan.learning_rate = schedule_.peak;
  plan.warmup = schedule_.warmup;
  plan.parameters = static_cast<uint64_t>(adapter_.parameters());
  // What there is by now, weights and the optimizer's state included, and a pass.
  context_.buffers.trim();
  plan.memory_bytes = platform::resident_memory() + bytes_of_a_pass();
  plan.recompute_blocks = recompute_blocks_;
  const double tokens_left = static_cast<double>(plan.epoch_tokens) * static_cast<double>(steps_ - step_) /
                             static_cast<double>(steps_per_epoch());
  plan.seconds = seconds / static_cast<double>(measured) * tokens_left *
                 (kStepToForward + (recompute_blocks_ ? kRecomputation : 0.0) +
                  (options_.loss.objective == Objective::kDpo ? kReference : 0.0)) /
                 static_cast<double>(place().size);
  plan.notes = notes_;
  plan.hint = learning_hint(amount_, epochs_, schedule_.peak, usual_learning_rate(options_, weights_in(model_.file())));
  return plan;
}

std::span<const uint32_t> Trainer::rows_of_step(uint64_t step) {
  const uint64_t epoch = step / steps_per_epoch();
  if (order_epoch_ != epoch) {
    order_ = options_.shuffle ? epoch_order(data_.size(), options_.seed, epoch) : data_order(data_.size());
    order_epoch_ = epoch;
  }
  const uint64_t first = step % steps_per_epoch() * amount_.rows_per_step;
  return std::span(order_).subspan(first, std::min<size_t>(amount_.rows_per_step, order_.size() - first));
}

// Dropout and noise, which act only where something is recorded, so not on the losses that are compared.
void Trainer::set_random(uint64_t step, uint64_t pass) {
  Random random(Random(Random(options_.seed).next() + step).next() + pass);
  if (options_.noise > 0) attachment_.set_noise({options_.noise, random.next()});
  if (options_.dropout == 0) return;
  for (std::vector<ops::LoraTerm>& terms : attachment_.terms()) {
    for (ops::LoraTerm& term : terms) {
      if (!term.a.needs_grad()) continue;  // what is subtracted belongs to the base
      term.dropout = options_.dropout;
      term.dropout_seed = random.next();
    }
  }
}

// What must be the same in all processes, or can be made so: where the first one stands.
void Trainer::agree_on_the_run() {
  if (work_.alone()) return;
  Digest flags;
  for (const Setting& setting : settings()) {
    flags.add_text(setting.name);
    flags.add_text(setting.value);
  }
  Digest instructions;
  instructions.add_text(context_.kernels.name);
  work_.require_same(std::array{
      Claim{"model", model_.fingerprint(), "give all the same file by -m"},
      Claim{"training rows", data_.totals().digest, "give all the same files by --train-data"},
      Claim{"measured rows", validation_ == nullptr ? 0 : validation_->totals().digest, "give all the same --val-data"},
      Claim{"flags", flags.value(), "start all with the same ones"},
      Claim{"instruction set", instructions.value(), "set PATINA_ISA to one that all of them have, e.g. avx2"}});
  work_.copy_from_first(std::as_writable_bytes(std::span(&step_, 1)));
  work_.copy_from_first(std::as_writable_bytes(std::span(&best_, 1)));
  for (const std::span<std::byte> bytes : parameters_.bytes()) work_.copy_from_first(bytes);
  parameters_.set_steps(step_);
  magnitudes_.update(context_);
}

LossSum Trainer::sum_of_team(const LossSum& own) {
  std::array<double, 7> sums = {own.loss,
                                static_cast<double>(own.tokens),
                                static_cast<double>(own.examples),
                                own.preference.loss,
                                own.preference.margin,
                                static_cast<double>(own.preference.pairs),
                                static_cast<double>(own.preference.preferred)};
  work_.add_up(sums);
  return {.loss = sums[0],
          .tokens = static_cast<uint64_t>(sums[1]),
          .examples = static_cast<size_t>(sums[2]),
          .preference = {.loss = sums[3],
                         .margin = sums[4],
                         .pairs = static_cast<size_t>(sums[5]),
                         .preferred = static_cast<size_t>(sums[6])}};
}

StepRecord Trainer::run_step() {
  const Clock::time_point start = Clock::now();
  const std::vector<Batch> batches = pack(data_, share_of(data_, rows_of_step(step_), place()), kPassTokens);
  const StepSize own = StepSize::of(batches);
  std::array<double, 3> sums = {static_cast<double>(own.tokens), static_cast<double>(own.pairs), 0};
  for (const Batch& batch : batches) sums[2] += static_cast<double>(batch.example_tokens);
  work_.add_up(sums);
  const StepSize size = {.tokens = static_cast<uint64_t>(sums[0]), .pairs = static_cast<size_t>(sums[1])};
  parameters_.zero_gradients();
  LossSum sum;
  for (size_t pass = 0; pass < batches.size(); ++pass) {
    work_.go_on();
    set_random(step_, pass * place().size + place().rank);
    if (pass + 1 == batches.size()) gradient_sum_->begin_last_pass();
    sum.add(add_gradients(loss_setting(), batches[pass], size, recompute_blocks_, parameters_));
  }
  gradient_sum_->finish();
  sum = sum_of_team(sum);
  const double loss = sum.mean();
  const double rate = schedule_.at(step_);
  worth_saving_ = false;
  const double norm = std::isfinite(loss) ? parameters_.step(rate, options_.max_gradient_norm)
                                          : std::numeric_limits<double>::quiet_NaN();
  if (!std::isfinite(norm)) {
    fail(ErrorKind::kInvalidData, "the loss is no number any more at step {}; try a lower --learning-rate than {:g}",
         step_ + 1, schedule_.peak);
  }
  magnitudes_.update(context_);
  ++step_;
  worth_saving_ = true;
  return StepRecord{.step = step_,
                    .steps = steps_,
                    .epoch = (step_ - 1) / steps_per_epoch() + 1,
                    .epochs = epochs_,
                    .loss = loss,
                    .preference = sum.preference,
                    .learning_rate = rate,
                    .gradient_norm = norm,
                    .tokens = static_cast<uint64_t>(sums[2]),
                    .seconds = seconds_since(start)};
}

void Trainer::save_adapter(const std::filesystem::path& path) {
  const Averaged averaged(*this);
  adapter::save_lora(subtracted_ ? adapter::difference(adapter_, *subtracted_) : adapter_, path, options_.adapter_type);
}

void Trainer::require_same_weights() {
  if (work_.alone()) return;
  worth_saving_ = false;
  work_.require_same(std::array{Claim{fmt::format("weights after step {}", step_), parameters_.digest(),
                                      "use the same program and PATINA_ISA on all machines, and test their memory"}});
  worth_saving_ = true;
}

void Trainer::save(const TrainObserver& observer) {
  if (!writes()) return;
  context_.buffers.trim();  // to make room for what is written
  worth_saving_ = false;
  CheckpointFiles(files_.checkpoint(), options_.keep).save(checkpoint(), std::exchange(newest_is_damaged_, false));
  save_adapter(files_.adapter);
  worth_saving_ = true;
  last_save_ = Clock::now();
  if (observer.on_save) observer.on_save();
}

// Of a team, one of whose processes may take the first one down with it, the first step is saved, too.
bool Trainer::save_is_due() const {
  const auto is_multiple = [&](uint64_t steps) { return steps > 0 && step_ % steps == 0; };
  const bool first_of_team = !work_.alone() && steps_made_ == 1;
  return first_of_team || is_multiple(options_.save_every * steps_per_epoch()) || is_multiple(options_.save_steps) ||
         seconds_since(last_save_) > options_.save_seconds;
}

bool Trainer::evaluation_is_due() const {
  const uint64_t every = options_.eval_every > 0 ? options_.eval_every : steps_per_epoch();
  return step_ % every == 0 || step_ == steps_;
}

LossSum Trainer::measure(const DataSet& data) {
  const Averaged averaged(*this);
  return sum_of_team(data_loss(loss_setting(), EveryNth(data, place()), kPassTokens, [&](const LossSum& /*so_far*/) {
    if (!work_.alone()) work_.go_on();
    return true;
  }));
}

EvaluationRecord Trainer::evaluate(const TrainObserver& observer) {
  const Clock::time_point start = Clock::now();
  const LossSum sum = measure(*validation_);
  const EvaluationRecord record = {
      .step = step_,
      .epoch = (step_ - 1) / steps_per_epoch() + 1,
      .loss = sum.mean(),
      .preference = sum.preference,
      .train_loss = losses_since_evaluation_ / static_cast<double>(steps_since_evaluation_),
      .tokens = sum.tokens,
      .best = best_.take(sum.mean(), step_),
      .seconds = seconds_since(start)};
  losses_since_evaluation_ = 0;
  steps_since_evaluation_ = 0;
  if (log_) log_->write(record);
  if (record.best && writes()) {
    save_checkpoint(files_.best_checkpoint(), checkpoint());
    save_adapter(files_.best_adapter());
  }
  if (observer.on_evaluation) observer.on_evaluation(record);
  return record;
}

bool Trainer::out_of_patience() const {
  return options_.patience > 0 && best_.evaluations_since_best >= options_.patience;
}

// One step is always made.
bool Trainer::out_of_time() const {
  return steps_made_ > 0 && options_.max_seconds > 0 && seconds_since(start_) >= options_.max_seconds;
}

// After an error of whatever kind, nothing that was learned is lost.
void Trainer::save_after_error(const TrainObserver& observer) {
  if (steps_made_ == 0 || !worth_saving_) return;
  try {
    save(observer);
  } catch (const std::exception&) {
    return;  // the first error is the one to tell
  }
}

TrainResult Trainer::run(const TrainObserver& observer) {
  if (writes()) check_space();
  work_.stop_when(observer.stop);
  if (writes()) {
    if (losses_before_.empty()) losses_before_ = losses_of_first_rows({});
    log_.emplace(files_.log(), resumed_step_);
  }
  start_ = last_save_ = Clock::now();
  bool stopped = false;
  try {
    stopped = !learn_unless_stopped(observer);
  } catch (...) {
    save_after_error(observer);
    throw;
  }
  work_.stop_when({});  // the observer is only there now
  if (step_ > 0) save(observer);
  return result(stopped);
}

bool Trainer::learn_unless_stopped(const TrainObserver& observer) {
  try {
    agree_on_the_run();
    if (step_ == 0 && observer.on_sampling) observer.on_sampling(step_, attachment_);
    learn(observer);
    require_same_weights();
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInterrupted) throw;
    return false;
  }
}

void Trainer::learn(const TrainObserver& observer) {
  Diagnosis diagnosis(schedule_.peak);
  const auto warn = [&](const std::string& sentence) {
    if (!sentence.empty() && observer.on_warning) observer.on_warning(sentence);
  };
  double seconds = 0;
  while (step_ < steps_ && !out_of_patience() && !work_.first_says(out_of_time())) {
    const StepRecord record = run_step();
    if (log_) log_->write(record);
    seconds += record.seconds;
    ++steps_made_;
    losses_since_evaluation_ += record.loss;
    ++steps_since_evaluation_;
    if (observer.on_step) {
      observer.on_step(record, seconds / static_cast<double>(steps_made_) * static_cast<double>(steps_ - step_));
    }
    warn(diagnosis.after_step(step_, record.loss));
    if (evaluation_is_due() && validation_ != nullptr) warn(diagnosis.after_evaluation(evaluate(observer)));
    if (evaluation_is_due() && observer.on_sampling) {
      const Averaged averaged(*this);
      observer.on_sampling(step_, attachment_);
    }
    if (work_.first_says(save_is_due()) && step_ < steps_) {
      require_same_weights();
      save(observer);
    }
  }
}

TrainResult Trainer::result(bool stopped) {
  TrainResult result = {.finished = !stopped,
                        .out_of_time = !stopped && step_ < steps_ && !out_of_patience(),
                        .out_of_patience = !stopped && step_ < steps_ && out_of_patience(),
                        .best = best_,
                        .steps = step_,
                        .team = {.bytes_a_step = static_cast<double>(gradient_sum_->bytes()) /
                                                 static_cast<double>(std::max<uint64_t>(steps_made_, 1)),
                                 .share_waited = gradient_sum_->seconds_waited() / seconds_since(start_)},
                        .rows = {}};
  if (stopped || !writes()) return result;
  const Averaged averaged(*this);
  const std::vector<double> after = losses_of_first_rows(attachment_);
  for (size_t i = 0; i < after.size(); ++i) {
    result.rows.push_back({data_.place(i), losses_before_[i], after[i]});
  }
  return result;
}

}  // namespace patina::train
