#pragma once

// What the child process that reads an HDF5 file is asked, and how it answers. Private to io/.

#include <cstdint>
#include <filesystem>
#include <map>
#include <variant>

#include "saithe/core/child_process.h"
#include "saithe/io/library_file.h"

namespace saithe::io {

/// A question begins with the numbers of objects that may be closed; then this as an integer, the
/// number of the object that is asked, and what it needs.
enum class Hdf5Question : std::int64_t {
  Open,              ///< path, whether to walk over it -> nothing; the root is object 0
  Has,               ///< name -> whether there is a link of it
  KindOf,            ///< name -> MemberKind
  LinkOf,            ///< name -> LinkKind
  Names,             ///< -> texts
  Group,             ///< name -> number of the object
  Dataset,           ///< name -> number of the object, description
  HasAttribute,      ///< name -> whether
  TextAttribute,     ///< name -> texts
  IntegerAttribute,  ///< name -> integers
  FlagAttribute,     ///< name -> whether
  ReferredDataset,   ///< name -> whether there is one; number, description
  Field,             ///< name -> number, description
  ReadIntegers,      ///< -> integers
  ReadUnsigned,      ///< -> integers without a sign
  ReadNumbers,       ///< -> doubles
  ReadTexts,         ///< -> texts
  ReadSomeTexts,     ///< first text, number of texts -> texts
  ReadFloats,        ///< start and count by axes -> float32
  ReadWide,          ///< start and count by axes -> int64
  FetchChunks,       ///< first chunk, number of chunks -> as LibraryDataset::fetch_chunk()
};

/// Processor time that reading a dataset may take on top of what its file's size allows: a chunk of
/// zeros is a thousandth of its values. No more than its stored bytes can unpack to counts.
std::int64_t seconds_to_unpack(const DatasetDescription& dataset);

/// The open file, in the child.
class Hdf5Answers {
 public:
  void answer(MessageReader& question, MessageWriter& answer, ChildNotes& notes);

 private:
  using Object = std::variant<LibraryGroup, LibraryDataset>;
  static void answer_of_attribute(Hdf5Question what, const Object& object, MessageReader& question,
                                  MessageWriter& answer, ChildNotes& notes);
  void answer_of_group(Hdf5Question what, const LibraryGroup& group, MessageReader& question,
                       MessageWriter& answer, ChildNotes& notes);
  void answer_of_dataset(Hdf5Question what, const LibraryDataset& dataset, MessageReader& question,
                         MessageWriter& answer);
  void add_dataset(LibraryDataset dataset, MessageWriter& answer);

  std::map<std::int64_t, Object> objects_;
  std::int64_t n_opened_ = 0;
};

}  // namespace saithe::io
