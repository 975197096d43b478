#pragma once

// The whole public interface, in reading order: include this, or only the headers that are needed.
//
// A header that is not listed here is private to its layer and is not installed.

// what everything stands on: errors, options, threads, random numbers, text files
#include "saithe/core/aligned_vector.h"
#include "saithe/core/context.h"
#include "saithe/core/error.h"
#include "saithe/core/option_text.h"
#include "saithe/core/options.h"
#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/core/sha256.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"

// cells x genes, sparse and dense
#include "saithe/matrix/csr_matrix.h"
#include "saithe/matrix/dense_matrix.h"

// cells, genes and labels, and where they are read from and written to
#include "saithe/data/cell_source.h"
#include "saithe/data/label_set.h"
#include "saithe/data/table.h"
#include "saithe/io/labels_file.h"
#include "saithe/io/open.h"
#include "saithe/io/write_h5ad.h"

// from counts to features
#include "saithe/prep/normalize.h"
#include "saithe/prep/preprocessor.h"
#include "saithe/prep/qc.h"
#include "saithe/prep/simulate.h"
#include "saithe/prep/split.h"

// the network
#include "saithe/kernels/backend.h"
#include "saithe/kernels/loss.h"
#include "saithe/nn/minibatches.h"
#include "saithe/nn/mlp.h"
#include "saithe/nn/trainer.h"

// training, predicting, judging
#include "saithe/classify/evaluate.h"
#include "saithe/classify/model.h"
#include "saithe/classify/model_file.h"
#include "saithe/classify/predict.h"
#include "saithe/classify/train.h"

// embedding and pictures
#include "saithe/embed/neighbors.h"
#include "saithe/embed/umap.h"
#include "saithe/report/figure.h"
#include "saithe/report/plots.h"
#include "saithe/report/report.h"
