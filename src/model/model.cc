#include "model/model.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "model/architecture.h"
#include "model/fingerprint.h"
#include "ops/embedding.h"
#include "ops/rms_norm.h"
#include "ops/rows.h"

namespace patina::model {

namespace {

std::vector<adapter::LinearSite> list_sites(const Weights& weights) {
  std::vector<adapter::LinearSite> sites;
  sites.push_back({std::string(adapter::kEmbeddingName), weights.output.cols(), weights.output.rows(),
                   adapter::SiteKind::kEmbedding});
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    const LayerWeights& w = weights.layers[i];
    const auto add = [&](Site site, const ops::PackedMatrix& matrix) {
      sites.push_back({fmt::format("blk.{}.{}", i, site_name(site)), matrix.cols(), matrix.rows()});
    };
    add(Site::kQ, w.q);
    add(Site::kK, w.k);
    add(Site::kV, w.v);
    add(Site::kO, w.o);
    add(Site::kGate, w.gate);
    add(Site::kUp, w.up);
    add(Site::kDown, w.down);
  }
  if (!weights.tied) {
    sites.push_back(
        {std::string(adapter::kOutputName), weights.output.cols(), weights.output.rows(), adapter::SiteKind::kOutput});
  }
  return sites;
}

std::vector<float> frequencies(const Hyperparameters& hyper, const RopeKind& kind, const std::vector<float>& factors) {
  std::vector<float> result;
  for (int64_t i = 0; i < hyper.rope_dim / 2; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(hyper.rope_dim);
    const double factor = kind.use_factors && !factors.empty() ? factors[static_cast<size_t>(i)] : 1.0;
    result.push_back(static_cast<float>(std::pow(kind.base, exponent) * kind.scale / factor));
  }
  return result;
}

// The tokens of all parts, their positions and segments.
struct Layout {
  std::vector<int32_t> tokens;
  std::vector<int64_t> positions;
  std::vector<ops::Segment> segments;
  std::vector<KvSequence*> caches;
};

Layout lay_out(std::span<const SequencePart> parts) {
  Layout layout;
  for (const SequencePart& part : parts) {
    const auto count = static_cast<int64_t>(part.tokens.size());
    const int64_t position = part.cache == nullptr ? part.shared : part.cache->length() - count;
    layout.segments.push_back({.begin = static_cast<int64_t>(layout.tokens.size()),
                               .count = count,
                               .position = position,
                               .cache = {},
                               .shared = part.shared > 0 ? layout.segments[part.trunk].begin : 0});
    layout.caches.push_back(part.cache);
    layout.tokens.insert(layout.tokens.end(), part.tokens.begin(), part.tokens.end());
    for (int64_t i = 0; i < count; ++i) layout.positions.push_back(position + i);
  }
  return layout;
}

void add_noise(ops::Context& context, adapter::EmbeddingNoise noise, std::span<const ops::Segment> segments,
               const ops::Tensor& x) {
  if (noise.alpha == 0) return;
  for (const ops::Segment& segment : segments) {
    const ops::Tensor rows = x.rows_view(segment.begin, segment.count);
    const auto values = static_cast<float>((segment.position + segment.count) * x.cols());
    const float size = noise.alpha / std::sqrt(values);
    ops::add_noise(context, rows, size, noise.seed + static_cast<uint64_t>(segment.begin * x.cols()));
  }
}

}  // namespace

Model::Model(std::shared_ptr<const io::ModelFile> file, Hyperparameters hyper, const ArchitectureInfo& architecture)
    : file_(std::move(file)), hyper_(std::move(hyper)), architecture_(&architecture) {}

Model::~Model() = default;

std::unique_ptr<Model> Model::load(std::shared_ptr<const io::ModelFile> file, ThreadPool& pool, Packing packing) {
  const ArchitectureInfo& architecture = find_architecture(file->metadata().get_string("general.architecture"));
  Hyperparameters hyper = read_hyperparameters(*file);
  std::unique_ptr<Model> model(new Model(std::move(file), std::move(hyper), architecture));
  model->weights_ = std::make_unique<Weights>(load_weights(*model->file_, model->hyper_, architecture));
  model->sites_ = list_sites(*model->weights_);
  if (packing == Packing::kAtOnce) {
    model->pack(pool);
  } else {
    std::vector<std::span<const std::byte>> parts;
    for (const ops::PackedMatrix* matrix : model->weights_->matrices()) parts.push_back(matrix->file_rows());
    model->read_ahead_ = std::make_unique<platform::ReadAhead>(std::move(parts));
  }
  return model;
}

void Model::pack(ThreadPool& pool) const {
  if (packed_) return;
  const std::scoped_lock lock(packing_);
  if (packed_) return;
  read_ahead_.reset();
  packed_memory_ = platform::HugeBuffer(static_cast<size_t>(weight_bytes()));
  std::span<std::byte> memory = packed_memory_.bytes();
  for (const std::vector<ops::PackedMatrix*>& product : weights_->products()) {
    ops::PackedMatrix::pack_together(pool, product, memory);
    for (const ops::PackedMatrix* matrix : product) {
      memory = memory.subspan(static_cast<size_t>(matrix->bytes()));
      file_->release_pages(matrix->file_rows());
    }
  }
  packed_ = true;
}

uint64_t Model::fingerprint() const {
  std::call_once(fingerprinted_, [&] { fingerprint_ = model::fingerprint(*file_); });
  return fingerprint_;
}

bool Model::tied() const { return weights_->tied; }

// Sites are listed in the order of the matrices, after the embeddings.
const ops::PackedMatrix& Model::matrix(size_t site) const { return *weights_->matrices()[site - kFirstLayerSite]; }

int64_t Model::weight_bytes() const {
  int64_t bytes = 0;
  for (const ops::PackedMatrix* matrix : weights_->matrices()) bytes += matrix->bytes();
  return bytes;
}

ops::Tensor Model::hidden(ops::Context& context, std::span<const SequencePart> parts, std::span<const int32_t> rows,
                          const adapter::Attachment& adapters) const {
  if (passed_.exchange(true) || context.recorder != nullptr) pack(context.pool);
  Layout layout = lay_out(parts);
  const bool all_rows = rows.size() == layout.tokens.size();
  const auto pass = std::make_shared<Pass>(Pass{.hyper = hyper_,
                                                .weights = *weights_,
                                                .adapters = adapters,
                                                .segments = std::move(layout.segments),
                                                .caches = std::move(layout.caches),
                                                .angles = {},
                                                .rows = {rows.begin(), rows.end()},
                                                .all_rows = all_rows});
  for (const RopeKind& kind : architecture_->rope_kinds(hyper_, file_->metadata())) {
    const std::vector<float> turns = frequencies(hyper_, kind, weights_->rope_factors);
    pass->angles.push_back(ops::rope_angles(context, {turns, architecture_->rope_layout}, layout.positions));
  }
  const ops::EmbeddingTable table{.type = weights_->embedding->type,
                                  .rows = weights_->embedding->data,
                                  .cols = hyper_.hidden_size,
                                  .adapters = adapters.at(kEmbeddingSite)};
  ops::Tensor x = ops::embed(context, table, layout.tokens, architecture_->embedding_scale(hyper_));
  // Each row brings in the pages around it; over many texts that would be the whole table.
  if (packed_ && x.rows() > ops::kFewRows) file_->release_pages(weights_->embedding->data);
  if (context.recorder != nullptr) add_noise(context, adapters.noise(), pass->segments, x);
  for (int64_t layer = 0; layer < hyper_.layers; ++layer) {
    x = ops::block(context, x, [pass, layer, info = architecture_](ops::Context& ctx, const ops::Tensor& input) {
      return info->block(ctx, *pass, *info, layer, input);
    });
  }
  return norm(context, *pass, x, weights_->output_norm);
}

Model::SavedNumbers Model::saved_numbers() const {
  const int64_t q = hyper_.heads * hyper_.head_dim;
  const int64_t k = hyper_.kv_heads * hyper_.head_dim;
  // Inputs of norms, of attention and of the activation, and the attended values.
  const int64_t normalized = (architecture_->has_post_norms ? 4 : 2) * hyper_.hidden_size;
  const int64_t compact = normalized + (q + 2 * k) + q + 2 * hyper_.feed_forward_size;
  // Outputs of the norms before products, of those before attention and of the activation.
  const int64_t derived = 2 * hyper_.hidden_size + (architecture_->has_qk_norm ? q + k : 0) + hyper_.feed_forward_size;
  return {.compact = hyper_.layers * compact, .whole = hyper_.layers * (compact + derived)};
}

ops::Tensor Model::logits(ops::Context& context, const ops::Tensor& hidden, const adapter::Attachment& adapters) const {
  return ops::linear(context, hidden, output(adapters));
}

const ops::PackedMatrix& Model::output_matrix() const { return weights_->output; }

ops::Linear Model::output(const adapter::Attachment& adapters) const {
  return {.weight = &weights_->output,
          .bias = nullptr,
          .adapters = tied() ? std::span<const ops::LoraTerm>() : adapters.at(sites_.size() - 1)};
}

}  // namespace patina::model
