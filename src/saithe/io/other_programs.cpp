// Files of other programs that hold cells, or what came before them, and that are not read here:
// each is refused with the command that makes a file that is.

#include <algorithm>

#include "saithe/core/text_io.h"
#include "saithe/io/formats.h"
#include "saithe/io/zarr_store.h"

namespace saithe::io {
namespace {

using namespace std::string_view_literals;

/// One kind of file. `advice` may hold {}, the file's path.
struct Kind {
  const char* name;
  bool (*is_one)(const InputFile& input);
  const char* advice;
};

/// The ending of the name in small letters, without .gz: ".rds".
std::string ending_of(const InputFile& input) {
  std::filesystem::path path = input.path;
  if (path.extension() == ".gz") path.replace_extension();
  return lower(path.extension().string());
}

bool ends_in(const InputFile& input, std::initializer_list<std::string_view> endings) {
  const std::string ending = ending_of(input);
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

bool begins(const InputFile& input, std::initializer_list<std::string_view> heads) {
  return std::any_of(heads.begin(), heads.end(), [&](std::string_view head) {
    return std::string_view(input.head).starts_with(head);
  });
}

bool is_hdf5_with(const InputFile& input, std::initializer_list<const char*> names) {
  return input.hdf5 && std::all_of(names.begin(), names.end(),
                                   [&](const char* name) { return input.hdf5->has(name); });
}

bool is_compressed(const InputFile& input) {
  return begins(input, {"BZh"sv,
                        "\xFD"
                        "7zXZ\0"sv,
                        "\x28\xB5\x2F\xFD"sv});
}

bool is_zip(const InputFile& input) {
  return begins(input, {"PK\3\4"sv});
}

bool holds(const InputFile& input, std::string_view part) {
  return input.head.find(part) != std::string::npos;
}

bool is_rds(const InputFile& input) {
  const bool has_head = begins(input, {"X\n\0\0\0\2"sv, "X\n\0\0\0\3"sv, "A\n2\n"sv, "A\n3\n"sv});
  return has_head || (ends_in(input, {".rds"}) && !input.hdf5);
}

bool is_r_data(const InputFile& input) {
  return begins(input, {"RDX2\n"sv, "RDX3\n"sv, "RDA2\n"sv, "RDA3\n"sv}) ||
         ends_in(input, {".rdata", ".rda"});
}

bool is_h5mu(const InputFile& input) {
  return input.hdf5 && input.hdf5->has_group("mod") &&
         (input.hdf5->text_attribute("encoding-type") == "MuData" || ends_in(input, {".h5mu"}));
}

bool is_spreadsheet(const InputFile& input) {
  return (is_zip(input) && (ends_in(input, {".xlsx", ".ods"}) || holds(input, "xl/workbook"))) ||
         begins(input, {"\xD0\xCF\x11\xE0"sv});
}

bool is_other_zip(const InputFile& input) {
  return is_zip(input) && open_zarr_store(input.path, false, input.head) == nullptr;
}

bool is_tar(const InputFile& input) {
  static constexpr std::size_t kMagicAt = 257;
  return input.head.size() > kMagicAt + 5 && input.head.compare(kMagicAt, 5, "ustar") == 0;
}

bool is_web_page(const InputFile& input) {
  const std::string head = lower(std::string_view(input.head).substr(0, 256));
  const auto begin = head.find_first_not_of(" \t\r\n");
  return begin != std::string::npos &&
         (head.compare(begin, 9, "<!doctype") == 0 || head.compare(begin, 5, "<html") == 0);
}

constexpr const char* kExportFromR =
    "Write it as h5ad in R: anndataR::write_h5ad(readRDS(\"{}\"), \"cells.h5ad\")";

// In the order of asking.
const Kind kKinds[] = {
    {"an R object (.rds)", is_rds, kExportFromR},
    {"R data (.RData)", is_r_data,
     "Write its object as h5ad in R: name <- load(\"{}\"); anndataR::write_h5ad(get(name[1]), "
     "\"cells.h5ad\")"},
    {"MuData (.h5mu)", is_h5mu,
     "Write its genes as h5ad: python -c 'import mudata; "
     "mudata.read_h5mu(\"{}\").mod[\"rna\"].write_h5ad(\"rna.h5ad\")'"},
    {"a Loupe file (.cloupe)", [](const InputFile& input) { return ends_in(input, {".cloupe"}); },
     "No program writes its counts. Take filtered_feature_bc_matrix.h5, which the same run of Cell "
     "Ranger wrote beside it, or write the Seurat object that LoupeR was given as h5ad in R: "
     "anndataR::write_h5ad(readRDS(\"seurat.rds\"), \"cells.h5ad\")"},
    {"Cell Ranger's molecule_info.h5",
     [](const InputFile& input) {
       return is_hdf5_with(input, {"umi", "barcode_idx"}) ||
              is_hdf5_with(input, {"umi", "barcode"});
     },
     "It lists molecules. Take filtered_feature_bc_matrix.h5 of the same run, or write the counts "
     "of all its barcodes, those of empty droplets too: Rscript -e 'library(DropletUtils); m <- "
     "read10xMolInfo(\"{}\"); write10xCounts(\"counts.h5\", makeCountMatrix(m$data$gene, "
     "paste0(m$data$cell, \"-\", m$data$gem_group), m$genes), version = \"3\")'"},
    {"Space Ranger's feature_slice.h5",
     [](const InputFile& input) { return is_hdf5_with(input, {"feature_slices"}); },
     "Take binned_outputs/square_008um/filtered_feature_bc_matrix.h5 of the same run"},
    {"a spreadsheet", is_spreadsheet,
     "Write its sheet as CSV: python -c 'import pandas; pandas.read_excel(\"{}\", "
     "index_col=0).to_csv(\"cells.csv\")'"},
    {"Parquet", [](const InputFile& input) { return begins(input, {"PAR1"sv}); },
     "Write it as CSV: python -c 'import pandas; "
     "pandas.read_parquet(\"{}\").to_csv(\"cells.csv\")'"},
    {"Feather",
     [](const InputFile& input) {
       return begins(input, {"ARROW1"sv, "FEA1"sv});
     },
     "Write it as CSV: python -c 'import pandas; "
     "pandas.read_feather(\"{}\").to_csv(\"cells.csv\")'"},
    {"aligned reads (BAM)", [](const InputFile& input) { return begins(input, {"BAM\1"sv}); },
     "Count it first, with Cell Ranger, STARsolo or alevin"},
    {"an archive (tar)", is_tar, "Unpack it: tar xf \"{}\""},
    {"an archive (zip)", is_other_zip, "Unpack it: unzip \"{}\""},
    {"compressed by bzip2, xz or zstd", is_compressed,
     "Decompress it (bunzip2, unxz, unzstd) or compress it with gzip instead"},
    {"a web page", is_web_page, "The download has failed; fetch the file again"},
    {"a pointer of Git LFS",
     [](const InputFile& input) { return begins(input, {"version https://git-lfs"sv}); },
     "Fetch the file itself: git lfs pull"},
    {"text in UTF-16",
     [](const InputFile& input) {
       return begins(input, {"\xFF\xFE"sv, "\xFE\xFF"sv});
     },
     "Write it as UTF-8: iconv -f UTF-16 -t UTF-8 \"{}\" > cells.csv"},
};

const Kind* kind_of(const InputFile& input) {
  if (input.is_folder) return nullptr;
  const auto found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& kind) { return kind.is_one(input); });
  return found == std::end(kKinds) ? nullptr : &*found;
}

std::optional<std::string> recognise_other(const InputFile& input) {
  const Kind* kind = kind_of(input);
  if (kind == nullptr) return std::nullopt;
  return kind->name;
}

std::unique_ptr<CellSource> refuse(InputFile input, const ReadOptions&, const Context&) {
  const Kind* kind = kind_of(input);
  SAITHE_ASSERT(kind != nullptr);
  std::string advice = kind->advice;
  const std::string path = printable(input.path.string());
  if (const auto at = advice.find("{}"); at != std::string::npos) advice.replace(at, 2, path);
  fail(ErrorKind::BadFormat, "{}: is {}, which is not read here. {}", path, kind->name, advice);
}

}  // namespace

const Format kOtherPrograms{"layer use-raw genome cells-in", recognise_other, refuse, nullptr};

}  // namespace saithe::io
