// A matrix by genes with more values than 31 bits count: 2^31 + 2^18 of them in a file of 35 MB.

#include <gtest/gtest.h>

#include <numeric>

#include "saithe/io/hdf5_writer.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Id;
using io::Hdf5Target;
using testing::FolderForTest;

constexpr CellIndex kCells = CellIndex{1} << 18;
constexpr GeneIndex kGenes = 8193;
constexpr RowPointer kStored = kCells * kGenes;
static_assert(kStored > RowPointer{1} << 31);

std::vector<std::string> names(const char* prefix, std::int64_t n) {
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < n; ++i) all.push_back(prefix + std::to_string(i));
  return all;
}

float count_of_last_gene(CellIndex cell) {
  return static_cast<float>(2 + cell % 97);
}

/// One value of each cell, by genes; a chunk is a gene.
Hdf5Id values_by_gene(const Hdf5Target& x, const char* name, hid_t type, const void* fill) {
  const hsize_t n = static_cast<hsize_t>(kStored);
  const hsize_t chunk = static_cast<hsize_t>(kCells);
  const Hdf5Id space(H5Screate_simple(1, &n, nullptr));
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(creation.get(), 1, &chunk);
  H5Pset_fill_value(creation.get(), type, fill);
  H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), 9);
  return Hdf5Id(
      H5Dcreate2(x.id(), name, type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT));
}

void write_gene(const Hdf5Id& dataset, GeneIndex gene, hid_t type, const void* values) {
  const hsize_t start = static_cast<hsize_t>(gene * kCells);
  const hsize_t n = static_cast<hsize_t>(kCells);
  const Hdf5Id space(H5Dget_space(dataset.get()));
  H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &n, nullptr);
  const Hdf5Id memory(H5Screate_simple(1, &n, nullptr));
  ASSERT_GE(H5Dwrite(dataset.get(), type, memory.get(), space.get(), H5P_DEFAULT, values), 0);
}

/// Every cell has every gene: 1, the fill value, of all but the last.
void write_file(const std::filesystem::path& path) {
  Hdf5Target root = Hdf5Target::create_file(path, path.string());
  root.write_frame("obs", Table(names("c", kCells)), {"_index", {}});
  root.write_frame("var", Table(names("g", kGenes)), {"_index", {}});
  {
    const Hdf5Target x = root.create_group("X", "csc_matrix");
    x.set_attribute("shape", std::array<std::int64_t, 2>{kCells, kGenes});
    const float one = 1;
    const Hdf5Id data = values_by_gene(x, "data", H5T_NATIVE_FLOAT, &one);
    std::vector<float> counts;
    for (CellIndex cell = 0; cell < kCells; ++cell) counts.push_back(count_of_last_gene(cell));
    write_gene(data, kGenes - 1, H5T_NATIVE_FLOAT, counts.data());
    const std::int32_t zero = 0;
    const Hdf5Id indices = values_by_gene(x, "indices", H5T_NATIVE_INT32, &zero);
    std::vector<std::int32_t> cells(as_size(kCells));
    std::iota(cells.begin(), cells.end(), 0);
    write_gene(indices, 0, H5T_NATIVE_INT32, cells.data());
    H5Dflush(indices.get());
    // The packed chunk of the first gene is that of all.
    hsize_t start = 0;
    hsize_t n_bytes = 0;
    ASSERT_GE(H5Dget_chunk_storage_size(indices.get(), &start, &n_bytes), 0);
    std::vector<unsigned char> packed(n_bytes);
    std::uint32_t skipped = 0;
    ASSERT_GE(H5Dread_chunk(indices.get(), H5P_DEFAULT, &start, &skipped, packed.data()), 0);
    for (GeneIndex gene = 1; gene < kGenes; ++gene) {
      start = static_cast<hsize_t>(gene * kCells);
      ASSERT_GE(H5Dwrite_chunk(indices.get(), H5P_DEFAULT, 0, &start, n_bytes, packed.data()), 0);
    }
    std::vector<double> starts;
    for (GeneIndex gene = 0; gene <= kGenes; ++gene) {
      starts.push_back(static_cast<double>(gene * kCells));
    }
    x.write_array("indptr", starts, NumberColumn::Kind::Integer);
  }
  root.flush();
  root.close();
}

TEST(TurnedColumnsLarge, ValuesPast31BitsAreThoseOfTheirCells) {
  const FolderForTest folder;
  write_file(folder / "large.h5ad");
  ASSERT_LT(std::filesystem::file_size(folder / "large.h5ad"), 60'000'000U);
  Context context(2);
  context.max_memory = std::int64_t{64} << 20;
  ReadOptions options;
  options.layer = "X";  // no sample is looked at
  const auto source = open_source(folder / "large.h5ad", options, context);
  ASSERT_EQ(source->n_cells(), kCells);
  ASSERT_EQ(source->n_genes(), kGenes);
  // The entries of the last cells stand behind those of 2^31 others, by cells and by genes.
  constexpr CellIndex kRead = 100;
  const CsrMatrix block = source->read_cells(kCells - kRead, kCells, context);
  ASSERT_EQ(block.n_rows, kRead);
  ASSERT_EQ(block.n_stored(), kRead * kGenes);
  const CsrView view = block.view();
  for (CellIndex r = 0; r < kRead; ++r) {
    const auto genes = view.row_columns(r);
    const auto values = view.row_values(r);
    ASSERT_EQ(std::ssize(genes), kGenes);
    for (GeneIndex gene = 0; gene < kGenes; ++gene) {
      ASSERT_EQ(genes[as_size(gene)], gene);
      ASSERT_EQ(values[as_size(gene)],
                gene + 1 < kGenes ? 1 : count_of_last_gene(kCells - kRead + r));
    }
  }
}

}  // namespace
}  // namespace saithe
