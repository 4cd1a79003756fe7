#include "train/magnitude_terms.h"

#include <algorithm>

#include "adapter/weight_change.h"
#include "base/error.h"
#include "ops/gain.h"

namespace patina::train {

MagnitudeTerms::MagnitudeTerms(const model::Model& model, const adapter::LoraAdapter& adapter,
                               adapter::Attachment& attachment, ops::Context& context) {
  const adapter::BaseWeights base{model.file(), context.pool, context.kernels};
  for (size_t site = 0; site < attachment.terms().size(); ++site) {
    const auto entry = std::ranges::find(adapter.entries, model.sites()[site].name, &adapter::LoraEntry::site);
    if (entry == adapter.entries.end() || !entry->magnitude) continue;
    if (model.sites()[site].kind != adapter::SiteKind::kLayer) {
      fail(ErrorKind::kUnsupported, "the adapter has magnitudes (DoRA) of {}, which cannot be trained further",
           entry->site);
    }
    for (ops::LoraTerm& term : attachment.terms()[site]) {
      if (term.magnitude.key() != entry->magnitude.key()) continue;
      term.inverse_length = context.make(entry->magnitude.rows(), 1);
      const ops::Tensor squares = adapter::row_lengths(*entry, 0.0F, base);
      context.kernels.vector.mul(squares.data(), squares.data(), squares.data(), squares.size());
      terms_.push_back({&model.matrix(site), term, squares});
    }
  }
  update(context);
}

void MagnitudeTerms::update(const ops::Context& context) const {
  for (const Term& term : terms_) ops::update_gain(context, *term.weight, term.squares, term.term);
}

int64_t MagnitudeTerms::saved_numbers() const {
  int64_t numbers = 0;
  for (const Term& term : terms_) numbers += term.weight->rows();
  return numbers;
}

}  // namespace patina::train
