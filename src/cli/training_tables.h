#pragma once

// What trainings write as tables.

#include <span>
#include <string>
#include <vector>

#include "saithe/classify/train.h"

namespace saithe::cli {

/// The labels of `cells`.
std::vector<LabelIndex> labels_of(std::span<const LabelIndex> labels,
                                  std::span<const CellIndex> cells);

/// epoch, train_loss, val_loss, train_accuracy, val_accuracy.
std::string history_tsv(const TrainHistory& history);

/// Rows true, columns predicted, counts.
std::string confusion_tsv(const Evaluation& evaluation);

/// The names of the suspects' cells, in the suspects' order.
std::vector<std::string> barcodes_of_suspects(const TrainResult& result);

/// barcode, label, looks_like, label_probability, probability: most certain first. Of several files
/// also `reference`, the file that the cell is of.
std::string suspects_tsv(const TrainResult& result, bool has_several_files);

/// barcode, fold, label, predicted, confidence, novelty of the cells that judge, by models that had
/// not seen them. Without folds the fold is empty; novelty is the distance over the threshold at
/// the default rate. Of several files also `reference`.
std::string held_out_tsv(const TrainResult& result, bool has_several_files);

}  // namespace saithe::cli
