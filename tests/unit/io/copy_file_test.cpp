#include "saithe/io/copy_file.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::read_bytes;
using testing::write_bytes;

TEST(CopyFile, HasTheSameBytesWhateverTheTargetHeld) {
  const FolderForTest folder;
  std::string bytes(3'000'001, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i % 251);
  for (const std::string& content : {bytes, std::string("short"), std::string()}) {
    write_bytes(folder / "from", content);
    write_bytes(folder / "to", std::string(4'000'000, 'x'));
    io::copy_file_bytes(folder / "from", folder / "to", "to");
    EXPECT_EQ(read_bytes(folder / "to"), content);
  }
}

TEST(CopyFile, ReadsWhereTheKernelCannotCopy) {
  const FolderForTest folder;
  write_bytes(folder / "to", "");
  // The kernel says that files of /proc are empty; only reading shows what they hold.
  io::copy_file_bytes("/proc/self/mounts", folder / "to", "to");
  EXPECT_EQ(read_bytes(folder / "to"), read_bytes("/proc/self/mounts"));
  EXPECT_FALSE(read_bytes(folder / "to").empty());
}

TEST(CopyFile, SaysWhatIsWrong) {
  const FolderForTest folder;
  write_bytes(folder / "from", std::string(100'000, 'x'));
  write_bytes(folder / "to", "");
  EXPECT_SAITHE_ERROR(io::copy_file_bytes(folder / "none", folder / "to", "to.h5ad"),
                      ErrorKind::NotFound, "none");
  EXPECT_SAITHE_ERROR(io::copy_file_bytes(folder / "from", folder / "none" / "to", "to.h5ad"),
                      ErrorKind::Output, "to.h5ad: cannot be written: No such file");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const rlimit small{8192, old_limit.rlim_max};  // the kernel refuses what goes beyond
  setrlimit(RLIMIT_FSIZE, &small);
  const auto error =
      testing::error_of([&] { io::copy_file_bytes(folder / "from", folder / "to", "to.h5ad"); });
  setrlimit(RLIMIT_FSIZE, &old_limit);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->kind(), ErrorKind::Output);
  EXPECT_TRUE(testing::contains(error->what(), "to.h5ad: cannot be written: File too large"))
      << error->what();
}

TEST(CopyPermissions, AFileThatIsOnesOwnHasTheSame) {
  const FolderForTest folder;
  write_bytes(folder / "from", "x");
  write_bytes(folder / "to", "y");
  for (const auto mode : {0640U, 0755U, 0600U}) {
    std::filesystem::permissions(folder / "from", std::filesystem::perms(mode));
    io::copy_permissions(folder / "from", folder / "to", "to.h5ad");
    EXPECT_EQ(std::filesystem::status(folder / "to").permissions(), std::filesystem::perms(mode));
  }
  EXPECT_SAITHE_ERROR(io::copy_permissions(folder / "none", folder / "to", "to.h5ad"),
                      ErrorKind::NotFound, "none");
  EXPECT_SAITHE_ERROR(io::copy_permissions(folder / "from", folder / "none", "to.h5ad"),
                      ErrorKind::Output, "to.h5ad: cannot be written: No such file");
}

TEST(CopyPermissions, WhereTheGroupCannotBeKeptAnotherGetsNoMoreThanEverybody) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file to a foreign group";
  const FolderForTest folder;
  write_bytes(folder / "from", "x");
  write_bytes(folder / "to", "y");
  static constexpr uid_t kNobody = 65534;
  const auto mode_after = [&](mode_t mode) {
    EXPECT_EQ(chown((folder / "from").c_str(), kNobody, 0), 0);
    EXPECT_EQ(chown((folder / "to").c_str(), kNobody, kNobody), 0);
    EXPECT_EQ(chmod((folder / "from").c_str(), mode), 0);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    // Another process, which gives up what root may.
    const pid_t child = fork();
    if (child == 0) {
      const bool is_plain =
          setgroups(0, nullptr) == 0 && setgid(kNobody) == 0 && setuid(kNobody) == 0;
      if (!is_plain) _exit(2);
      _exit(testing::error_of([&] {
              io::copy_permissions(folder / "from", folder / "to", "to");
            }).has_value());
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    struct stat changed = {};
    EXPECT_EQ(stat((folder / "to").c_str(), &changed), 0);
    return changed.st_mode & 07777U;
  };
  EXPECT_EQ(mode_after(06755), 0755U);
  EXPECT_EQ(mode_after(0640), 0600U);
  EXPECT_EQ(mode_after(0674), 0644U);
}

TEST(WhyReadOnly, ReadOnlyFilesAreSoForTheSuperuserToo) {
  const FolderForTest folder;
  write_bytes(folder / "a", "x");
  EXPECT_FALSE(io::why_read_only(folder / "a"));
  EXPECT_FALSE(io::why_read_only(folder / "none"));
  EXPECT_FALSE(io::why_read_only(folder / "a" / "b"));
  std::filesystem::permissions(folder / "a", std::filesystem::perms::owner_read);
  EXPECT_EQ(io::why_read_only(folder / "a"), "Permission denied");
}

}  // namespace
}  // namespace saithe
