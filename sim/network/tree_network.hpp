#pragma once
// The fast solver: links form a tree of up to three levels, origin > aggregation > site, and a flow
// runs from the origin down to one site, under a cap of its own.
//
// In a tree the max-min rate is min(cap, level of the site, of the aggregation, of the origin),
// where a link's level solves "what the flows below it get, each cut at that level, fills the
// link". A site's level is local and makes the flow's effective cap. Flows of equal effective cap
// under one aggregation are a class: they run at one rate for ever, whoever comes and goes, so each
// class has a virtual clock and each flow a tag on it at which it is through, fixed when it starts.
// A class held back by an aggregation or the origin lets its clock run on that link's clock; the
// link's level changes without anything in the class being touched. What an event costs is
// O(log flows) and the classes that cross a level.

#include <array>
#include <vector>

#include "engine/inventory/index_table.hpp"
#include "sim/network/exact_sum.hpp"
#include "sim/network/fluid_network.hpp"
#include "sim/network/indexed_heap.hpp"

namespace sluice::sim::network {

class TreeNetwork final : public FluidNetwork {
public:
    // The origin's link is LinkId 0.
    explicit TreeNetwork(double origin_bps);
    static constexpr LinkId kOrigin{0};

    // Aggregations hang below the origin, sites below the origin or an aggregation.
    LinkId add_aggregation(double bps);
    LinkId add_site(double bps, LinkId parent = kOrigin);
    // Room for so many flows at a time, so that the columns do not grow by doubling.
    void reserve(std::size_t flows) { flows_.reserve(flows); }

    Solver solver() const override { return Solver::tree; }
    double now() const override { return now_; }
    // Only the path's first link is looked at: the site; the rest follows from the tree.
    FlowId open(std::span<const LinkId> path, double cap_bps, double bits) override {
        return open(path.front(), cap_bps, bits);
    }
    FlowId open(LinkId site, double cap_bps, double bits);
    void refill(FlowId flow, double bits) override;
    void close(FlowId flow) override;
    void set_cap(FlowId flow, double bps);
    void set_capacity(LinkId link, double bps) override;
    double next_finish() override;
    FlowId pop() override;
    void advance(double to) override;
    double rate(FlowId flow) override;
    double left(FlowId flow) override;
    std::optional<LinkId> binding(FlowId flow) override;

    // Through the origin's link at the moment.
    double throughput();
    std::uint32_t flow_count() const { return flow_count_; }
    const Usage& usage() const { return usage_; }
    // Classes that crossed a level so far: the part of an event's cost that is not O(log n).
    std::uint64_t crossings() const { return crossings_; }
    std::size_t bytes() const;

private:
    using Index = std::uint32_t;
    static constexpr Index kNone = 0xffffffff;
    static constexpr Index kOwnClock = 0xfffffffe;  // real time, at the entry's own value

    struct Flow {
        double cap = 0;
        double tag = 0;  // on its class's clock; while in no class: bits to go
        Index entry = kNone;
        Index place = kNone;  // in its class's tags
        Index site = kNone;   // kNone: closed
        Index next = kNone;   // in its site's ring; closed: the next free one
    };
    static_assert(sizeof(Flow) == 32, "a column of a million");
    enum class Kind : std::uint8_t { device, site, aggregation };  // what made an entry's value
    // What competes for a link: a class, or all that an aggregation holds back, as one.
    struct Entry {
        double value = 0;  // the rate it would have without this link
        double clock = 0;  // its progress when its timeline stood at `anchor`
        double anchor = 0;
        double key = 0;  // where on the timeline its next flow is through
        Index count = 0;
        Index home = 0;          // the node it competes at first
        Index timeline = kNone;  // kOwnClock, or the node that holds it back
        Index event_place = kNone;
        std::array<Index, 2> level_place{kNone, kNone};  // at the origin, at the aggregation
        std::array<bool, 2> is_fair{};                   // held back there
        std::array<bool, 2> is_listed{};
        Kind kind = Kind::device;
        Index node = kNone;       // of an aggregation's entry
        std::vector<Index> tags;  // a heap of flows by their tags
    };
    // The origin's link (node 0) or an aggregation: a water level over entries.
    struct Node {
        LinkId link;
        double capacity = kUnlimited;
        double level = kUnlimited;
        IndexedHeap below;  // entries that get their value; greatest first
        IndexedHeap fair;   // entries cut at the level; least first
        ExactSum below_sum;
        std::uint64_t fair_count = 0;
        IndexedHeap events;   // entries whose clocks run on this one's
        Index group = kNone;  // an aggregation's entry at the origin
        bool is_dirty = false;
    };
    struct Site {
        double capacity;
        Index node;
        Index first = kNone;
        Index count = 0;
        bool is_dirty = false;
    };
    struct Link {
        bool is_site;
        Index index;
    };

    static std::size_t depth_of(Index node) { return node == 0 ? 0 : 1; }
    // Heaps over the entries' columns.
    auto greater_value() const;
    auto less_value() const;
    auto level_place(std::size_t depth);
    auto earlier() const;
    auto event_place();

    double position(Index timeline) const;
    double speed(const Entry& e) const { return e.timeline == kOwnClock ? e.value : 1; }
    double progress(Index entry) const;
    IndexedHeap& events_of(Index timeline);
    void set_timeline(Index entry, Index timeline);
    void rekey(Index entry);
    double first_tag(const Entry& e) const;

    Index class_of(Index node, double value, Kind kind);
    void discard_class(Index entry);
    void enlist(Index node, Index entry);
    void delist(Index node, Index entry);
    void cross(Index node, Index entry);
    void change_count(Index entry, int by);
    void reseat(Index entry);
    void mark(Index node);
    void mark_site(Index site);
    void balance(Index node);
    void balance_group(Index node);
    void settle();
    void settle_site(Index site);
    void assign(Index flow, double value, Kind kind);
    void unassign(Index flow);

    bool is_sooner(Index a, Index b) const {
        return flows_[a].tag != flows_[b].tag ? flows_[a].tag < flows_[b].tag : a < b;
    }
    void place_tag(Entry& e, std::size_t at, Index flow);
    void insert_tag(Entry& e, Index flow);
    void erase_tag(Entry& e, std::size_t at);
    void sift(Entry& e, std::size_t at);

    double now_ = 0;
    double origin_clock_ = 0;  // the position of node 0's timeline
    std::vector<Link> links_;
    std::vector<Node> nodes_;
    std::vector<Site> sites_;
    std::vector<Flow> flows_;
    Index first_free_ = kNone;
    std::vector<Entry> entries_;
    std::vector<Index> free_entries_;
    inventory::IndexTable classes_;
    IndexedHeap own_events_;
    std::vector<Index> dirty_sites_;
    std::vector<Index> dirty_nodes_;
    std::vector<Index> scratch_;
    std::uint32_t flow_count_ = 0;
    std::array<std::uint64_t, 3> held_by_{};  // flows on their own clock, by kind
    std::uint64_t crossings_ = 0;
    Usage usage_;
};

}  // namespace sluice::sim::network
