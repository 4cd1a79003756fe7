#pragma once

#include "tokenizer/tokenizer.h"
#include "train/data/example.h"
#include "train/data/row_list.h"
#include "train/data/row_source.h"

namespace patina::apps {

// Prints three of the rows to stdout: as the model would see them where `maker` and its tokenizer are given, else their
// turns. What is learned is green or, without `colour`, stands between ⟦ and ⟧; long texts are shortened.
void print_samples(const train::RowSource& source, const train::RowList& rows, const tokenizer::Tokenizer* tokenizer,
                   const train::ExampleMaker* maker, bool colour);

}  // namespace patina::apps
