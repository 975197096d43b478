#include "saithe/classify/predict.h"

#include <algorithm>
#include <optional>

#include "annotations.h"
#include "bundled_models.h"
#include "cells_destination.h"
#include "gene_flags.h"
#include "input_paths.h"
#include "kept_predictions.h"
#include "majority_vote_columns.h"
#include "ontology_columns.h"
#include "output_plan.h"
#include "prediction_tables.h"
#include "query_lines.h"
#include "result_names.h"
#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/open.h"
#include "session.h"

namespace saithe::cli {
namespace {

/// Tables beside the output.
struct TableOptions {
  std::string probabilities;
  std::string cluster_table;
  std::string donor_key;
  std::string donor_table;

  template <typename Visitor>
  static void describe(Visitor& visit, TableOptions& options) {
    visit("probabilities", options.probabilities, "write here the probability of every type");
    visit("cluster-table", options.cluster_table,
          "write here the types of each cluster (with --majority-vote)");
    visit("donor-key", options.donor_key, "obs column of donors, for --donor-table");
    visit("donor-table", options.donor_table, "write here the types of each donor");
  }
};

struct Request {
  std::string model;
  std::string query;
  std::string output;  ///< empty: in place
  ReadOptions reading;
  PredictOptions prediction;
  TableOptions tables;
  OntologyOptions ontology;
  MajorityVoteOptions vote;
  LeidenOptions clustering;
  NamingOptions naming;

  [[nodiscard]] bool writes_table() const {
    return !output.empty() && (output == "-" || !names_cells(output));
  }
};

/// Asked for before the long work: every output can be written, every option makes sense.
void require_request(const Request& request, const Model& model, const CellSource& source,
                     const Context& context) {
  require_majority_vote(request.vote, source.obs(), context);
  if (request.vote.finds_clusters()) {
    const std::int64_t n_dims = model.has_hidden_layer()
                                    ? std::int64_t{model.network().shape.hidden.back()}
                                    : model.types.n_types();
    require_memory_for_cells(request.query + ": --majority-vote leiden", source.n_cells(),
                             cluster_bytes_of_cell(request.clustering, n_dims), context.max_memory);
  }
  if (!request.tables.cluster_table.empty() && !request.vote.is_on()) {
    fail(ErrorKind::InvalidArgument,
         "--cluster-table: there are no clusters; name some with --majority-vote");
  }
  if (request.tables.donor_key.empty() != request.tables.donor_table.empty()) {
    fail(ErrorKind::InvalidArgument, "--donor-key and --donor-table belong together");
  }
  if (!request.tables.donor_key.empty()) {
    static_cast<void>(groups_of_column(source.obs(), request.tables.donor_key, "donor-key"));
  }
}

/// Where the h5ad goes, if one is written. Throws if an output cannot be written.
std::optional<CellsDestination> probe_outputs(const Request& request, bool overwrite) {
  const std::string& output = request.output;
  const TableOptions& tables = request.tables;
  const std::vector<std::string> files = {tables.probabilities, tables.cluster_table,
                                          tables.donor_table};
  OutputPlan plan({model_path(request.model), request.query, request.ontology.ontology,
                   request.ontology.ontology_map, request.prediction.genes.gene_symbols});
  plan.add(output, OutputContent::CellsOrTable);
  for (const std::string& path : files) plan.add(path, OutputContent::Table);
  for (const std::string& path : files) {
    if (!path.empty()) const OutputFile probe(path, overwrite);
  }
  if (request.writes_table() && output != "-") const OutputFile probe(output, overwrite);
  if (request.writes_table()) return std::nullopt;
  return CellsDestination(request.query, request.output, overwrite);
}

/// Everything that is said of the cells, ready to be written.
class Results {
 public:
  Results(const Request& request, const std::optional<CellsDestination>& destination,
          const Model& model, CellSource& source, Session& session)
      : request_(request),
        destination_(destination),
        model_(model),
        source_(source),
        session_(session),
        kept_(model.types, writes_probabilities(request), session.context().max_memory) {
    if (destination) names_ = ResultNames::make(request.naming);
    if (!destination) heads_ = TableHeads::make(request.naming);
    ontology_ = OntologyColumns::make(request.ontology, model.types,
                                      model.output == OutputKind::Softmax, session);
    // Of no cells yet: the names are what counts.
    if (destination) destination->require_free(source, make_annotations());
    PredictOptions options = request.prediction;
    options.with_probabilities = writes_probabilities(request) || ontology_ != nullptr;
    // Clusters are found by the last hidden layer, or by the logits where there is none.
    options.with_hidden = request.vote.finds_clusters() && model.has_hidden_layer();
    options.with_logits = request.vote.finds_clusters() && !model.has_hidden_layer();
    query_ =
        predict_in_blocks(model, source, options, session.device(), session.context(),
                          [&](CellIndex first, const Predictions& block) { add(first, block); });
    if (request.vote.is_on()) vote();
  }

  void say() const {
    say_match(model_, query_, session_);
    if (request_.vote.finds_clusters()) {
      session_.say(counted(static_cast<std::int64_t>(groups_.n_groups()), "cluster") + " found");
    }
    say_unassigned(kept_.unassigned(), model_.types, request_.prediction.false_reject_rate,
                   session_);
    warn_of_shallow_cells(model_, kept_.n_shallow(), kept_.n_cells(), session_);
  }

  /// The largest first: it is the one that most often finds no room.
  void write() {
    write_cells();
    write_tables();
    // What a failed run has put out there cannot be taken back, but nothing else has changed.
    if (request_.output == "-") write_stdout(put_table());
    session_.commit_outputs();
  }

 private:
  [[nodiscard]] std::function<void(const PutText&)> put_table() {
    return [this](const PutText& put) {
      put_predictions(model_, source_, kept_, heads_, extra_columns(), put);
    };
  }

  void write_cells() {
    if (destination_) return destination_->write(source_, make_annotations(), session_);
    if (request_.output == "-") return;
    write_text(request_.output, session_.common().overwrite, put_table(), session_.outputs());
    session_.say_when_written("written: " + request_.output);
  }

  void write_tables() {
    const bool overwrite = session_.common().overwrite;
    const TableOptions& tables = request_.tables;
    const auto write_table = [&](const std::string& path,
                                 const std::function<void(const PutText&)>& write) {
      write_text(path, overwrite, write, session_.outputs());
      session_.say_when_written("written: " + path);
    };
    if (!tables.probabilities.empty()) {
      write_table(tables.probabilities,
                  [&](const PutText& put) { put_probabilities(model_, source_, kept_, put); });
    }
    if (!tables.cluster_table.empty()) {
      write_table(tables.cluster_table, [&](const PutText& put) {
        put(majority_vote_tsv("cluster", groups_, vote_, model_.types));
      });
    }
    if (!tables.donor_table.empty()) {
      const CellGroups donors = groups_of_column(source_.obs(), tables.donor_key, "donor-key");
      const TypesByGroup types = count_types_by_group(donors, labels_, model_.types.n_types());
      warn_of_cells_in_no_row(donors);
      write_table(tables.donor_table, [&](const PutText& put) {
        put(types_by_group_tsv("donor", donors, types, model_.types));
      });
    }
  }

  void warn_of_cells_in_no_row(const CellGroups& donors) const {
    const auto n = std::count(donors.group.begin(), donors.group.end(), -1);
    if (n == 0) return;
    session_.context().warn(fmt::format(
        "{}: {} of {} cells have no entry in the column '{}' and are in no row",
        request_.tables.donor_table, n, donors.group.size(), request_.tables.donor_key));
  }

  static bool writes_probabilities(const Request& request) {
    return !request.writes_table() || !request.tables.probabilities.empty();
  }

  void add(CellIndex first, const Predictions& block) {
    kept_.add(block);
    if (ontology_ != nullptr) {
      ontology_->add(block.labels, block.probabilities.view(), session_.context());
    }
    // What needs all cells at once.
    if (request_.vote.is_on() || !request_.tables.donor_table.empty()) {
      labels_.insert(labels_.end(), block.labels.begin(), block.labels.end());
    }
    if (!request_.vote.is_on()) return;
    has_counts_.insert(has_counts_.end(), block.has_counts.begin(), block.has_counts.end());
    if (!request_.vote.finds_clusters()) return;
    const DenseMatrix& rows = model_.has_hidden_layer() ? block.hidden : block.logits;
    if (first == 0) embedding_ = {source_.n_cells(), rows.n_cols()};
    std::copy(rows.data(), rows.data() + rows.n_rows() * rows.n_cols(),
              embedding_.data() + first * rows.n_cols());
  }

  void vote() {
    groups_ = groups_that_vote(request_.vote, request_.clustering, source_.obs(), embedding_.view(),
                               has_counts_, session_.context());
    embedding_ = {};
    vote_ = majority_vote(groups_, labels_, model_.types.n_types(), request_.vote.min_proportion);
  }

  [[nodiscard]] std::vector<ExtraColumn> extra_columns() const {
    std::vector<ExtraColumn> columns;
    if (request_.prediction.multi_label > 0) {
      columns.push_back({"multi_label", [this](CellIndex begin, CellIndex end) {
                           return kept_.multi_labels(begin, end);
                         }});
    }
    if (request_.vote.is_on()) {
      const auto add = [&](const std::string& name, auto field) {
        columns.push_back({name, [this, field](CellIndex begin, CellIndex end) {
                             return field(vote_columns(groups_, vote_, model_.types, begin, end));
                           }});
      };
      add(heads_.cluster, [](VoteColumns votes) { return std::move(votes.cluster); });
      add(heads_.majority, [](VoteColumns votes) { return std::move(votes.majority); });
      add(heads_.majority + "_share", [](const VoteColumns& votes) {
        std::vector<std::string> shares;
        for (const double share : votes.share) shares.push_back(format_number(share));
        return shares;
      });
    }
    if (ontology_ != nullptr) {
      columns.push_back({OntologyColumns::tsv_header(), [this](CellIndex begin, CellIndex end) {
                           return ontology_->tsv_fields(begin, end);
                         }});
    }
    return columns;
  }

  /// Of the cells that have been labelled; reads from here until they are written.
  Annotations make_annotations() {
    Annotations annotations;
    add_predictions(annotations, model_, kept_, names_);
    if (request_.prediction.multi_label > 0) {
      annotations.obs.emplace_back(names_.of("multi_label"),
                                   name_column(kept_.n_cells(), kept_.all_multi_labels(),
                                               [this](CellIndex begin, CellIndex end) {
                                                 return kept_.multi_labels(begin, end);
                                               }));
    }
    if (request_.vote.is_on()) add_vote_columns(annotations, groups_, vote_, model_.types, names_);
    if (ontology_ != nullptr) ontology_->annotate(kept_, annotations, names_);
    annotations.obsm.emplace_back(
        names_.of("probabilities"),
        ResultMatrix(kept_.n_cells(), kept_.n_types(), [this](CellIndex begin, CellIndex end) {
          return kept_.probabilities(begin, end);
        }));
    add_list_of_added(annotations, names_);
    add_names_of_earlier_run(annotations, names_);
    return annotations;
  }

  const Request& request_;
  const std::optional<CellsDestination>& destination_;  ///< nothing: a table is written
  const Model& model_;
  CellSource& source_;
  Session& session_;
  ResultNames names_;
  TableHeads heads_;
  Predictions query_;  // of no cells: the genes and values of all
  KeptPredictions kept_;
  std::unique_ptr<OntologyColumns> ontology_;
  // For votes and tables of donors.
  std::vector<LabelIndex> labels_;
  std::vector<bool> has_counts_;
  DenseMatrix embedding_;
  CellGroups groups_;
  MajorityVote vote_;
};

int run(const CommonOptions& common, const OptionFlags& flags, bool in_place, Request request) {
  if (in_place == !request.output.empty()) {
    fail(ErrorKind::InvalidArgument, "predict needs one of -o FILE and --in-place");
  }
  Session session(common);
  flags.apply(request.reading);
  flags.apply(request.prediction);
  request.prediction.genes = gene_match_options(flags);
  flags.apply(request.tables);
  flags.apply(request.ontology);
  flags.apply(request.vote);
  flags.apply(request.clustering);
  flags.apply(request.naming);
  flags.require_effect(request.ontology);
  flags.require_effect(request.vote);
  if (flags.is_given("key-added")) require_key(request.naming.key_added);
  require_model_first(request.model, request.query);
  const auto destination = probe_outputs(request, common.overwrite);
  const Model model = load_named_model(request.model, session);
  require_rejection(flags, model);
  const auto source = open_source(request.query, request.reading, session.context());
  require_request(request, model, *source, session.context());
  Results results(request, destination, model, *source, session);
  results.say();
  results.write();
  session.finish(source->n_cells());
  return 0;
}

}  // namespace

void add_predict(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto request = std::make_shared<Request>();
  const auto in_place = std::make_shared<bool>(false);
  CLI::App* app = add_subcommand(
      program,
      {"predict", "Label cells with a model",
       "saithe predict model.saithe query.h5ad -o labelled.h5ad"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *in_place, *request); });
  app->add_option("MODEL", request->model,
                  "a model that train or walkthrough wrote, or a bundled one: pbmc3k")
      ->required();
  app->add_option("QUERY", request->query, "cells: h5ad, Zarr, 10x HDF5, MTX, Loom, h5Seurat, CSV")
      ->required();
  app->add_option("-o,--output", request->output,
                  "FILE.h5ad, FOLDER.zarr: the query with columns added; other names: a table "
                  "(gzip if it ends "
                  "in .gz); -: to stdout")
      ->type_name("FILE");
  app->add_flag("--in-place", *in_place,
                "add the columns to the query itself, an h5ad or a Zarr folder");
  flags->add(*app, PredictOptions{}, "Labels");
  flags->add(*app, OntologyOptions{}, "Cell Ontology");
  flags->add(*app, MajorityVoteOptions{}, "Majority vote");
  flags->add(*app, LeidenOptions{}, "Majority vote");
  flags->add(*app, NamingOptions{}, "Names");
  flags->add(*app, TableOptions{}, "Tables");
  add_gene_flags(*app, *flags);
  flags->add(*app, ReadOptions{}, "Reading");
}

}  // namespace saithe::cli
