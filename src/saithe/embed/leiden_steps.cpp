#include "saithe/embed/leiden_steps.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace saithe::embed {
namespace {

constexpr double kTheta = 0.01;  // the paper's
constexpr std::int64_t kVisitsBetweenPolls = 1 << 16;

/// The weights of one node's links, added up by the community of the other end.
class LinksByCommunity {
 public:
  explicit LinksByCommunity(std::size_t n_communities) : weight_(n_communities) {}

  void add(std::int32_t community, double weight) {
    double& sum = weight_[as_size(community)];
    if (sum == 0) touched_.push_back(community);  // weights are above 0
    sum += weight;
  }
  void clear() {
    for (const std::int32_t community : touched_) weight_[as_size(community)] = 0;
    touched_.clear();
  }
  [[nodiscard]] double to(std::int32_t community) const { return weight_[as_size(community)]; }
  [[nodiscard]] const std::vector<std::int32_t>& communities() const { return touched_; }

 private:
  std::vector<double> weight_;
  std::vector<std::int32_t> touched_;  // in the order of the links: ties have one answer
};

/// Nodes that wait for a visit, each once.
class NodeQueue {
 public:
  explicit NodeQueue(std::vector<std::int32_t> nodes)
      : nodes_(std::move(nodes)), n_waiting_(nodes_.size()), waits_(nodes_.size(), 1) {}

  [[nodiscard]] bool is_empty() const { return n_waiting_ == 0; }
  std::int32_t pop() {
    const std::int32_t node = nodes_[first_];
    first_ = first_ + 1 == nodes_.size() ? 0 : first_ + 1;
    --n_waiting_;
    waits_[as_size(node)] = 0;
    return node;
  }
  void push(std::int32_t node) {
    if (waits_[as_size(node)] != 0) return;
    waits_[as_size(node)] = 1;
    std::size_t end = first_ + n_waiting_;
    if (end >= nodes_.size()) end -= nodes_.size();
    nodes_[end] = node;
    ++n_waiting_;
  }

 private:
  std::vector<std::int32_t> nodes_;  // a ring: no more than all nodes wait
  std::size_t first_ = 0;
  std::size_t n_waiting_;
  std::vector<char> waits_;
};

std::vector<std::int32_t> shuffled_nodes(std::size_t n_nodes, const Random& order) {
  std::vector<std::int32_t> nodes(n_nodes);
  std::iota(nodes.begin(), nodes.end(), 0);
  order.shuffle(std::span<std::int32_t>(nodes));
  return nodes;
}

template <typename Visit>
void for_each_link(const CommunityGraph& graph, std::int32_t node, const Visit& visit) {
  const auto begin = as_size(graph.row_start[as_size(node)]);
  const auto end = as_size(graph.row_start[as_size(node) + 1]);
  for (std::size_t i = begin; i < end; ++i) visit(graph.others[i], graph.weights[i]);
}

/// Communities while nodes move between them.
class MovingCommunities {
 public:
  MovingCommunities(const CommunityGraph& graph, const Objective& objective,
                    std::span<std::int32_t> community)
      : graph_(graph),
        objective_(objective),
        community_(community),
        strength_(community.size()),
        n_members_(community.size()),
        links_(community.size()) {
    for (std::size_t node = 0; node < community.size(); ++node) {
      strength_[as_size(community[node])] += graph.strength[node];
      ++n_members_[as_size(community[node])];
    }
    for (std::size_t id = community.size(); id-- > 0;) {
      if (n_members_[id] == 0) empty_.push_back(static_cast<std::int32_t>(id));
    }
  }

  /// Moves the node to where it gains most; false if it stays.
  bool visit(std::int32_t node) {
    const double strength = graph_.strength[as_size(node)];
    const std::int32_t own = community_[as_size(node)];
    links_.clear();
    for_each_link(graph_, node, [&](std::int32_t other, double weight) {
      links_.add(community_[as_size(other)], weight);
    });
    strength_[as_size(own)] -= strength;
    --n_members_[as_size(own)];
    const double rounding = objective_.rounding(strength);
    std::int32_t best = own;
    double best_gain = links_.to(own) - objective_.penalty * strength * strength_[as_size(own)];
    for (const std::int32_t candidate : links_.communities()) {
      const double gain =
          links_.to(candidate) - objective_.penalty * strength * strength_[as_size(candidate)];
      if (gain > best_gain + rounding) {
        best = candidate;
        best_gain = gain;
      }
    }
    // A node that was not alone leaves a community, so that an id is free.
    if (n_members_[as_size(own)] > 0 && 0 > best_gain + rounding) {
      best = empty_.back();
      empty_.pop_back();
    }
    if (n_members_[as_size(own)] == 0) {
      strength_[as_size(own)] = 0;  // not the rounding that is left
      if (best != own) empty_.push_back(own);
    }
    strength_[as_size(best)] += strength;
    ++n_members_[as_size(best)];
    community_[as_size(node)] = best;
    return best != own;
  }

 private:
  const CommunityGraph& graph_;
  const Objective& objective_;
  std::span<std::int32_t> community_;
  std::vector<double> strength_;
  std::vector<std::int64_t> n_members_;
  std::vector<std::int32_t> empty_;
  LinksByCommunity links_;
};

/// The parts of communities while single nodes join them.
class RefinedParts {
 public:
  RefinedParts(const CommunityGraph& graph, const Objective& objective,
               std::span<const std::int32_t> community)
      : graph_(graph),
        objective_(objective),
        community_(community),
        strength_of_community_(community.size()),
        part_(community.size()),
        strength_(graph.strength),
        n_members_(community.size(), 1),
        outside_(community.size()),
        links_(community.size()) {
    std::iota(part_.begin(), part_.end(), 0);
    for (std::size_t node = 0; node < community.size(); ++node) {
      strength_of_community_[as_size(community[node])] += graph.strength[node];
      const auto id = static_cast<std::int32_t>(node);
      for_each_link(graph, id, [&](std::int32_t other, double weight) {
        if (community[as_size(other)] == community[node]) outside_[node] += weight;
      });
    }
  }

  /// Lets the node join a part, if it is alone; `draw` in [0, 1) chooses.
  void visit(std::int32_t node, double draw) {
    const auto v = as_size(node);
    if (part_[v] != node || n_members_[v] != 1 || !is_well_connected(node)) return;
    const double strength = graph_.strength[v];
    links_.clear();
    for_each_link(graph_, node, [&](std::int32_t other, double weight) {
      if (community_[as_size(other)] == community_[v]) links_.add(part_[as_size(other)], weight);
    });
    candidates_.assign(1, {node, 0.0});
    double best_gain = 0;
    for (const std::int32_t part : links_.communities()) {
      const double gain =
          links_.to(part) - objective_.penalty * strength * strength_[as_size(part)];
      if (gain < -objective_.rounding(strength) || !is_well_connected(part)) continue;
      candidates_.push_back({part, gain});
      best_gain = std::max(best_gain, gain);
    }
    const std::int32_t chosen = choose(best_gain, draw);
    if (chosen == node) return;
    const auto c = as_size(chosen);
    part_[v] = chosen;
    strength_[c] += strength;
    outside_[c] += outside_[v] - 2 * links_.to(chosen);
    ++n_members_[c];
    n_members_[v] = 0;
  }

  [[nodiscard]] std::vector<std::int32_t> take_parts() { return std::move(part_); }

 private:
  struct Candidate {
    std::int32_t part = 0;
    double gain = 0;  ///< then its share of the probability
  };

  /// Whether a part's links to the rest of its community outweigh what chance gives.
  [[nodiscard]] bool is_well_connected(std::int32_t part) const {
    const auto p = as_size(part);
    const double rest = strength_of_community_[as_size(community_[p])] - strength_[p];
    return outside_[p] + objective_.rounding(strength_[p]) >=
           objective_.penalty * strength_[p] * rest;
  }

  /// A candidate with probability proportional to exp(gain / theta).
  std::int32_t choose(double best_gain, double draw) {
    double total = 0;
    for (Candidate& candidate : candidates_) {
      candidate.gain = std::exp((candidate.gain - best_gain) / objective_.theta);
      total += candidate.gain;
    }
    double left = draw * total;
    for (const Candidate& candidate : candidates_) {
      left -= candidate.gain;
      if (left < 0) return candidate.part;
    }
    return candidates_.back().part;  // only where rounding left a little
  }

  const CommunityGraph& graph_;
  const Objective& objective_;
  std::span<const std::int32_t> community_;
  std::vector<double> strength_of_community_;
  std::vector<std::int32_t> part_;  // a part has the id of the node that it began with
  std::vector<double> strength_;
  std::vector<std::int32_t> n_members_;
  std::vector<double> outside_;  // weight of a part's links to the rest of its community
  LinksByCommunity links_;
  std::vector<Candidate> candidates_;
};

}  // namespace

CommunityGraph community_graph(const CsrView& matrix) {
  CommunityGraph graph;
  graph.row_start.reserve(as_size(matrix.n_rows) + 1);
  graph.others.reserve(as_size(matrix.n_stored()));
  graph.weights.reserve(as_size(matrix.n_stored()));
  graph.strength.reserve(as_size(matrix.n_rows));
  for (CellIndex node = 0; node < matrix.n_rows; ++node) {
    const auto columns = matrix.row_columns(node);
    const auto values = matrix.row_values(node);
    double strength = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto weight = static_cast<double>(values[i]);
      strength += weight;
      if (columns[i] == node || weight <= 0) continue;
      graph.others.push_back(columns[i]);
      graph.weights.push_back(weight);
    }
    graph.strength.push_back(strength);
    graph.row_start.push_back(static_cast<RowPointer>(graph.others.size()));
  }
  return graph;
}

Objective modularity_objective(const CommunityGraph& graph, double resolution) {
  const double total = std::accumulate(graph.strength.begin(), graph.strength.end(), 0.0);
  const double of_links = std::accumulate(graph.weights.begin(), graph.weights.end(), 0.0);
  Objective objective;
  objective.resolution = resolution;
  objective.penalty = total > 0 ? resolution / total : 0;
  objective.theta = graph.weights.empty()
                        ? kTheta
                        : kTheta * of_links / static_cast<double>(graph.weights.size());
  return objective;
}

std::int64_t move_nodes(const CommunityGraph& graph, const Objective& objective,
                        std::span<std::int32_t> community, const Random& order,
                        const Context& context) {
  MovingCommunities communities(graph, objective, community);
  NodeQueue queue(shuffled_nodes(graph.n_nodes(), order));
  std::int64_t n_moves = 0;
  for (std::int64_t visit = 0; !queue.is_empty(); ++visit) {
    if (visit % kVisitsBetweenPolls == 0) context.throw_if_cancelled();
    const std::int32_t node = queue.pop();
    if (!communities.visit(node)) continue;
    ++n_moves;
    const std::int32_t now = community[as_size(node)];
    for_each_link(graph, node, [&](std::int32_t other, double) {
      if (community[as_size(other)] != now) queue.push(other);
    });
  }
  return n_moves;
}

std::vector<std::int32_t> refine_communities(const CommunityGraph& graph,
                                             const Objective& objective,
                                             std::span<const std::int32_t> community,
                                             const Random& order, const Random& merges) {
  RefinedParts parts(graph, objective, community);
  for (const std::int32_t node : shuffled_nodes(graph.n_nodes(), order)) {
    parts.visit(node, merges.uniform(static_cast<std::uint64_t>(node)));
  }
  std::vector<std::int32_t> part = parts.take_parts();
  renumber(part);
  return part;
}

CommunityGraph aggregate(const CommunityGraph& graph, std::span<const std::int32_t> part,
                         std::int32_t n_parts) {
  std::vector<std::int32_t> members(part.size());
  std::vector<std::size_t> start(as_size(n_parts) + 1);
  for (const std::int32_t p : part) ++start[as_size(p) + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<std::size_t> next(start.begin(), start.end() - 1);
  for (std::size_t node = 0; node < part.size(); ++node) {
    members[next[as_size(part[node])]++] = static_cast<std::int32_t>(node);
  }
  CommunityGraph coarse;
  LinksByCommunity links(as_size(n_parts));
  for (std::int32_t p = 0; p < n_parts; ++p) {
    double strength = 0;
    links.clear();
    for (std::size_t i = start[as_size(p)]; i < start[as_size(p) + 1]; ++i) {
      strength += graph.strength[as_size(members[i])];
      for_each_link(graph, members[i], [&](std::int32_t other, double weight) {
        if (part[as_size(other)] != p) links.add(part[as_size(other)], weight);
      });
    }
    for (const std::int32_t other : links.communities()) {
      coarse.others.push_back(other);
      coarse.weights.push_back(links.to(other));
    }
    coarse.strength.push_back(strength);
    coarse.row_start.push_back(static_cast<RowPointer>(coarse.others.size()));
  }
  return coarse;
}

std::int32_t renumber(std::span<std::int32_t> ids) {
  std::vector<std::int32_t> number(ids.size(), -1);
  std::int32_t n = 0;
  for (std::int32_t& id : ids) {
    std::int32_t& found = number[as_size(id)];
    if (found < 0) found = n++;
    id = found;
  }
  return n;
}

}  // namespace saithe::embed
