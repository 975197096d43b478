// What of a file is taken for an earlier run's, and what never is.

#include "saithe/io/earlier_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace saithe::io {
namespace {

using Texts = std::vector<std::string>;

Annotations new_labels() {
  Annotations annotations;
  annotations.obs.emplace_back("type", NumberColumn{});
  annotations.uns.emplace_back("saithe/version", std::string("2"));
  annotations.uns.emplace_back("saithe/parameters/seed", std::string("2"));
  annotations.of_earlier_run = {"saithe/added",
                                "saithe/version",
                                {{"type_novelty"}, {"type_majority", "type_share"}},
                                {"saithe/ontology"}};
  return annotations;
}

StaleNames stale_in(const std::set<std::string>& paths, const Texts& list = {}) {
  // What is listed is there, unless its name says otherwise.
  const auto has = [&](const std::string& path) {
    return paths.contains(path) || (std::ranges::count(list, path) > 0 && !path.ends_with("gone"));
  };
  return stale_names(new_labels(), {has, [&](const std::string&) { return list; }, "barcode"});
}

TEST(EarlierRun, WhatItListsIsStaleUnlessItIsWrittenAgain) {
  const StaleNames stale =
      stale_in({"obs/type", "obs/type_novelty", "uns/saithe/version", "uns/saithe/added"},
               {"obs/type", "obs/other", "obs/gone", "obsm/space", "uns/colors",
                "uns/saithe/parameters", "uns/saithe/terms"});
  EXPECT_EQ(stale.obs, Texts{"other"});
  EXPECT_EQ(stale.obsm, Texts{"space"});
  EXPECT_EQ(stale.uns, (Texts{"colors", "saithe/terms"}));
  EXPECT_EQ(stale.paths(), (Texts{"obs/other", "obsm/space", "uns/colors", "uns/saithe/terms"}));
}

TEST(EarlierRun, AListThatNamesNothingProtectsEverything) {
  const StaleNames stale = stale_in({"obs/type", "obs/type_novelty", "obs/type_majority",
                                     "obs/type_share", "uns/saithe/version", "uns/saithe/added"});
  EXPECT_TRUE(stale.obs.empty() && stale.obsm.empty() && stale.uns.empty());
}

TEST(EarlierRun, AListCannotNameWhatIsNoResult) {
  const StaleNames stale =
      stale_in({"obs/type", "uns/saithe/added"},
               {"", "X", "obs", "obs/", "obs/..", "obs/barcode", "obs/__categories", "obs/a/b",
                "obsm/.", "obsm/../X", "layers/a", "uns/..", "uns/a/..", "uns/../X", "uns/a/b/c"});
  EXPECT_EQ(stale.obs, Texts{});
  EXPECT_EQ(stale.obsm, Texts{});
  EXPECT_EQ(stale.uns, Texts{});
}

TEST(EarlierRun, WithoutAListColumnsGoWhichOnlyARunLeavesTogether) {
  const StaleNames whole =
      stale_in({"obs/type", "obs/type_novelty", "obs/type_majority", "obs/type_share",
                "uns/saithe/version", "uns/saithe/ontology"});
  EXPECT_EQ(whole.obs, (Texts{"type_novelty", "type_majority", "type_share"}));
  EXPECT_EQ(whole.uns, Texts{"saithe/ontology"});
  EXPECT_EQ(stale_in({"obs/type", "obs/type_majority", "uns/saithe/version"}).obs, Texts{});
}

TEST(EarlierRun, NothingIsStaleWithoutLabelsOrRecord) {
  EXPECT_EQ(stale_in({"obs/type", "obs/type_novelty"}).obs, Texts{});
  EXPECT_EQ(stale_in({"obs/type_novelty", "uns/saithe/added"}, {"obs/type_novelty"}).obs, Texts{});
  Annotations of_another_command;
  of_another_command.obsm.emplace_back("X_umap", DenseMatrix());
  const auto everything = [](const std::string&) { return true; };
  const auto list = [](const std::string&) { return Texts{"obs/type"}; };
  EXPECT_EQ(stale_names(of_another_command, {everything, list, "barcode"}).obs, Texts{});
}

}  // namespace
}  // namespace saithe::io
