#pragma once

#include <vector>

#include "adapter/attachment.h"
#include "adapter/lora_adapter.h"
#include "model/model.h"
#include "ops/context.h"

namespace patina::train {

// The trained terms with magnitudes (Liu et al., 2024, "DoRA"), whose gains follow what is trained. As in the paper's
// section 4.3, gradients take the lengths of rows for constants. Refers to the model and the attachment.
class MagnitudeTerms {
 public:
  // Those of `adapter`, which is attached. Reads the weights of their layers from the file. None: nothing is done.
  // Throws kUnsupported for magnitudes of the output.
  MagnitudeTerms(const model::Model& model, const adapter::LoraAdapter& adapter, adapter::Attachment& attachment,
                 ops::Context& context);

  bool empty() const { return terms_.empty(); }
  // To be called after every change of the adapter's numbers.
  void update(const ops::Context& context) const;
  // How many numbers a token leaves for the backward steps of the gains.
  int64_t saved_numbers() const;

 private:
  struct Term {
    const ops::PackedMatrix* weight;
    ops::LoraTerm term;
    ops::Tensor squares;  // of the lengths of the weight's rows
  };
  std::vector<Term> terms_;
};

}  // namespace patina::train
