#include "saithe/report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "saithe/report/canvas.h"
#include "saithe/report/plots.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::contains;
using testing::FolderForTest;

Evaluation evaluation_of(const std::string& first_type) {
  Evaluation evaluation;
  evaluation.n_cells = 10;
  evaluation.accuracy = 0.7;
  evaluation.macro_f1 = 0.6923;
  evaluation.loss = 1.25;
  evaluation.per_type = {{first_type, 0.8, 0.6, 0.6857, 5}, {"T", 0.5, 0.8, 0.6154, 5}};
  evaluation.confusion = {3, 2, 1, 4};
  return evaluation;
}

ReportInput input_with(const std::string& name) {
  ReportInput input;
  input.title = "Walk-through: " + name;
  input.saithe_version = "9.8.7";
  input.input_name = name + ".h5ad";
  input.options = {{"epochs", "10"}, {"label-key", name}};
  input.n_cells_read = 2700;
  input.n_cells = 2638;
  input.n_genes_read = 32738;
  input.n_genes = 13656;
  input.filter_steps = {{"min_cells 3", 0, 19082}};
  input.warnings = {name + ": 62 cells have no label"};
  input.history.epochs = {{0, 1.9, 1.7, 0.5, 0.6, 0.1}};
  input.training = evaluation_of(name);
  input.validation = evaluation_of(name);
  input.figures.emplace_back(
      "loss", 50, 50,
      [](Figure::Canvas& canvas) {
        canvas.text({10, 10}, "x", {});
      },
      name, name);
  return input;
}

TEST(Report, ShowsTheNumbersOfTheRun) {
  const std::string page = report_html(input_with("B"));
  for (const char* part :
       {"<title>Walk-through: B</title>", "cells kept of 2,700", "genes kept of 32,738", "13,656",
        "saithe 9.8.7", "<td>0.7000</td>", "<td>0.6923</td>", "<td>1.2500</td>", "min_cells 3",
        "19,082", "62 cells have no label", "<td>--epochs</td><td>10</td>", "<svg"}) {
    EXPECT_TRUE(contains(page, part)) << part;
  }
  // The only confusions, most frequent first.
  EXPECT_LT(page.find("<td>B</td><td>T</td><td>2</td>"),
            page.find("<td>T</td><td>B</td><td>1</td>"));
}

TEST(Report, NamesFromTheDataCannotBreakThePage) {
  const std::string evil = "</script><script>alert('\"&\x01\xE2\x80\xAE\xFF";
  const std::string page = report_html(input_with(evil));
  EXPECT_FALSE(contains(page, "<script"));
  EXPECT_FALSE(contains(page, "\x01"));
  EXPECT_FALSE(contains(page, "\xE2\x80\xAE"));
  EXPECT_FALSE(contains(page, "\xFF"));
  EXPECT_TRUE(contains(page, "&lt;/script&gt;&lt;script&gt;alert(&#39;&quot;&amp;"));
}

TEST(Report, ComparedLossesStandSideBySide) {
  ReportInput input = input_with("B");
  EXPECT_FALSE(contains(report_html(input), "another loss"));
  input.losses = {{"article", {9, 1.2749, 1.3517, 0.9, 0.9, 1}, evaluation_of("B")},
                  {"cross-entropy", {9, 0.0101, 0.1234, 0.9, 0.9, 1}, evaluation_of("B")}};
  const std::string page = report_html(input);
  EXPECT_TRUE(contains(page, "<td>article</td><td>1.2749</td><td>1.3517</td><td>0.7000</td>"));
  EXPECT_TRUE(contains(page, "<td>cross-entropy</td><td>0.0101</td><td>0.1234</td>"));
}

TEST(Report, SaysThatUnknownTypesCannotBeNamed) {
  ReportInput input = input_with("B");
  EXPECT_TRUE(contains(report_html(input), "The model knows the 2 types of its reference"));
  EXPECT_TRUE(contains(report_html(input), "rejects none"));
  input.rejects = true;
  EXPECT_TRUE(contains(report_html(input), "<i>unassigned</i>"));
}

TEST(Report, LargeFiguresGetTheWholeWidth) {
  ReportInput input = input_with("B");
  EXPECT_FALSE(contains(report_html(input), "<figure class=\"large\">"));
  input.figures.emplace_back(
      "wide", 700, 50, [](Figure::Canvas&) {}, "wide", "wide");
  EXPECT_TRUE(contains(report_html(input), "<figure class=\"large\">"));
}

// Self-contained: nothing is loaded, and the page says so to the browser.
TEST(Report, LoadsNothing) {
  const std::string page = report_html(input_with("B"));
  EXPECT_TRUE(contains(page, "default-src 'none'"));
  for (const char* part : {"src=\"http", "href=\"http", "@import", "<link", "<script", "<iframe"}) {
    EXPECT_FALSE(contains(page, part)) << part;
  }
}

TEST(Report, EveryElementIsClosed) {
  const std::string page = report_html(input_with("B"));
  for (const char* tag : {"table", "tr", "td", "th", "div", "figure", "ul", "li", "main", "svg",
                          "details", "summary"}) {
    const auto count = [&](const std::string& text) {
      std::int64_t n = 0;
      for (std::size_t at = page.find(text); at != std::string::npos;
           at = page.find(text, at + 1)) {
        const char next = page[at + text.size()];
        n += next == '>' || next == ' ' || next == '\n' ? 1 : 0;
      }
      return n;
    };
    EXPECT_EQ(count(std::string("<") + tag), count(std::string("</") + tag)) << tag;
  }
}

TEST(Report, WhatIsNotThereIsSaid) {
  ReportInput input = input_with("B");
  input.filter_steps.clear();
  input.warnings.clear();
  input.validation.confusion = {5, 0, 0, 5};
  input.validation.loss.reset();
  const std::string page = report_html(input);
  EXPECT_TRUE(contains(page, "No filter was on."));
  EXPECT_TRUE(contains(page, "No validation cell was called another type"));
  EXPECT_FALSE(contains(page, "<h2>Warnings</h2>"));
}

TEST(Report, AColumnWithoutAValueIsLeftOut) {
  ReportInput input = input_with("B");
  ASSERT_FALSE(input.history.epochs.empty());
  EXPECT_TRUE(contains(report_html(input), ">validation loss</th>"));
  for (EpochRecord& epoch : input.history.epochs) {
    epoch.validation_loss = epoch.validation_accuracy = std::numeric_limits<double>::quiet_NaN();
  }
  const std::string page = report_html(input);
  EXPECT_FALSE(contains(page, ">validation loss</th>"));
  EXPECT_TRUE(contains(page, ">training loss</th>"));
  EXPECT_FALSE(contains(plot_loss(input.history).caption(), "validation cells"));
}

TEST(Report, AnExistingPageIsKept) {
  const FolderForTest folder;
  testing::write_bytes(folder / "report.html", "mine");
  EXPECT_SAITHE_ERROR(write_report(input_with("B"), folder / "report.html", false),
                      ErrorKind::Output, "report.html");
  EXPECT_EQ(testing::read_bytes(folder / "report.html"), "mine");
  write_report(input_with("B"), folder / "report.html", true);
  EXPECT_EQ(testing::read_bytes(folder / "report.html"), report_html(input_with("B")));
}

}  // namespace
}  // namespace saithe
