// Pages of the book: the order's first place by search, then onwards past what the filter refuses.

#include <algorithm>
#include <charconv>
#include <utility>

#include "acs-plugin/service/device_book.hpp"

namespace sluice::service {
namespace {

// Between the key and the identity of a cursor; in neither.
constexpr char kMark = '\n';
constexpr std::size_t kMostInOrder = 20'000;  // before a prefix is gone by

}  // namespace

std::string DeviceBook::key_text(DeviceIndex d, DeviceSort sort) const {
    switch (sort) {
        case DeviceSort::site:
            return std::string(site(d));
        case DeviceSort::software_version:
            return std::string(software(d));
        case DeviceSort::last_seen:
            return std::to_string(last_seen(d).unix_ms);
        case DeviceSort::identity:
            break;
    }
    return {};
}

const OrderedIndex& DeviceBook::order(DeviceSort sort) const {
    const OrderedIndex* all[] = {&by_identity_, &by_site_, &by_software_, &by_seen_};
    return *all[static_cast<std::size_t>(sort)];
}

// The filter's texts as the pool's numbers: a comparison is one of integers.
struct DeviceBook::Wanted {
    struct One {
        inventory::StringId id;
        inventory::StringId Slot::*field;
    };
    std::vector<One> texts;
    bool is_hopeless = false;  // a text that no device has

    Wanted(const inventory::StringPool& pool, const DeviceFilter& f) {
        const std::pair<const std::string*, inventory::StringId Slot::*> fields[] = {
            {&f.site, &Slot::site},
            {&f.software_version, &Slot::software},
            {&f.hardware_version, &Slot::hardware},
            {&f.product_class, &Slot::product},
            {&f.manufacturer, &Slot::maker},
            {&f.oui, &Slot::oui}};
        for (const auto& [text, field] : fields) {
            if (text->empty()) continue;
            const auto id = pool.find(*text);
            is_hopeless |= id == inventory::IndexTable::kNone;
            texts.push_back({id, field});
        }
    }
};

bool DeviceBook::fits(DeviceIndex d, const DeviceFilter& f, const Wanted& wanted) const {
    const auto& s = slots_[d.value];
    if (f.kind && *f.kind != s.kind) return false;
    for (const auto& one : wanted.texts)
        if (s.*one.field != one.id) return false;
    if (!f.identity_prefix.empty() && !identity(d).starts_with(f.identity_prefix)) return false;
    return f.contains.empty() || identity(d).find(f.contains) != std::string_view::npos;
}

// A piece of the order by identity; nothing, where it is too long to be looked at whole.
std::optional<std::vector<DeviceIndex>> DeviceBook::those_with(std::string_view prefix,
                                                               std::size_t at_most) const {
    std::vector<DeviceIndex> out;
    const auto first = by_identity_.partition([&](DeviceIndex d) { return identity(d) < prefix; });
    by_identity_.walk(first, [&](DeviceIndex d) {
        if (!identity(d).starts_with(prefix)) return false;
        out.push_back(d);
        return out.size() <= at_most;
    });
    if (out.size() > at_most) return std::nullopt;
    return out;
}

// A cursor is "<key>\n<identity>": it holds when its device has gone or has another key now.
Result<DeviceBook::Page> DeviceBook::page(const DeviceQuery& query) const {
    Page out;
    const auto& in_order = order(query.sort);
    std::string key, name;
    std::int64_t seen = 0;
    if (!query.after.empty()) {
        const auto mark = query.after.find(kMark);
        if (mark == std::string::npos) return Error{"after: is not the end of a page"};
        key = query.after.substr(0, mark);
        name = query.after.substr(mark + 1);
        const auto* end = key.data() + key.size();
        if (query.sort == DeviceSort::last_seen &&
            std::from_chars(key.data(), end, seen).ptr != end)
            return Error{"after: is not the end of a page in this order"};
    }
    const auto compare = [&](DeviceIndex d) {
        int by_key = 0;
        if (query.sort == DeviceSort::site) by_key = site(d).compare(key);
        if (query.sort == DeviceSort::software_version) by_key = software(d).compare(key);
        if (query.sort == DeviceSort::last_seen)
            by_key = last_seen(d).unix_ms < seen ? -1 : last_seen(d).unix_ms > seen ? 1 : 0;
        return by_key != 0 ? by_key : identity(d).compare(name);
    };
    const Wanted wanted(texts_, query.filter);
    if (query.at_most == 0 || wanted.is_hopeless) return out;
    const auto end_page = [&](DeviceIndex last) {
        out.next = key_text(last, query.sort) + kMark + std::string(identity(last));
    };
    const bool is_first = query.after.empty();
    const auto is_behind = [&](DeviceIndex d) {
        return is_first || (query.is_descending ? compare(d) < 0 : compare(d) > 0);
    };

    // Few devices, found otherwise: put into order here.
    const auto take_all = [&](std::vector<DeviceIndex> found) {
        std::erase_if(
            found, [&](DeviceIndex d) { return !fits(d, query.filter, wanted) || !is_behind(d); });
        const auto less = [&](DeviceIndex a, DeviceIndex b) {
            if (query.is_descending) std::swap(a, b);
            int by_key = 0;
            if (query.sort == DeviceSort::site) by_key = site(a).compare(site(b));
            if (query.sort == DeviceSort::software_version)
                by_key = software(a).compare(software(b));
            if (query.sort == DeviceSort::last_seen && last_seen(a) != last_seen(b))
                by_key = last_seen(a) < last_seen(b) ? -1 : 1;
            return by_key != 0 ? by_key < 0 : identity(a) < identity(b);
        };
        const auto size = std::min(found.size(), query.at_most);
        std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(size),
                          found.end(), less);
        out.devices.assign(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(size));
        if (size < found.size()) end_page(out.devices.back());
        return out;
    };
    if (!query.filter.site.empty()) return take_all(of_site(query.filter.site));

    // In order, as long as what is wanted is met often enough. Where it is not, the page ends with
    // what it has: the next one goes on from there.
    std::size_t looked_at = 0;
    bool has_looked_for_prefix = query.filter.identity_prefix.empty();
    std::optional<std::vector<DeviceIndex>> piece;
    std::optional<DeviceIndex> last;
    const auto take = [&](DeviceIndex d) {
        if (looked_at >= query.looks_at && last) return end_page(*last), false;
        if (looked_at >= kMostInOrder && !std::exchange(has_looked_for_prefix, true)) {
            piece = those_with(query.filter.identity_prefix, query.looks_at);
            if (piece) return false;
        }
        ++looked_at;
        last = d;
        if (!fits(d, query.filter, wanted)) return true;
        if (out.devices.size() == query.at_most) return end_page(out.devices.back()), false;
        out.devices.push_back(d);
        return true;
    };
    if (query.is_descending)
        in_order.walk_back(is_first ? in_order.end() : in_order.partition([&](DeviceIndex d) {
            return compare(d) < 0;
        }),
                           take);
    else
        in_order.walk(is_first ? OrderedIndex::Place{}
                               : in_order.partition([&](DeviceIndex d) { return compare(d) <= 0; }),
                      take);
    if (!piece) return out;
    out = {};
    return take_all(std::move(*piece));
}

}  // namespace sluice::service
