#include "engine/image/refusal.hpp"

#include <array>

namespace sluice::image {
namespace {

constexpr int kCorrupted = 9018;
constexpr int kNotAuthentic = 9019;

struct Row {
    Reason why;
    std::string_view name;
    int fault;
    std::string_view text;
};

constexpr auto kRows = std::to_array<Row>({
    {Reason::too_large, "too_large", kCorrupted, "File corrupted: envelope above 64 KiB"},
    {Reason::malformed, "malformed", kCorrupted, "File corrupted: malformed manifest"},
    {Reason::duplicate_key, "duplicate_key", kCorrupted, "File corrupted: duplicate JSON key"},
    {Reason::wrong_type, "wrong_type", kCorrupted, "File corrupted: wrong payload type"},
    {Reason::bad_root, "bad_root", kCorrupted, "File corrupted: wrong pieces root"},
    {Reason::bad_image, "bad_image", kCorrupted, "File corrupted: image differs from manifest"},
    {Reason::other_image, "other_image", kCorrupted, "File corrupted: manifest of another image"},
    {Reason::unknown_key, "unknown_key", kNotAuthentic, "Not authentic: signed by no pinned key"},
    {Reason::too_few_signatures, "too_few_signatures", kNotAuthentic,
     "Not authentic: too few signatures"},
    {Reason::bad_signature, "bad_signature", kNotAuthentic, "Not authentic: wrong signature"},
    {Reason::malleated_signature, "malleated_signature", kNotAuthentic,
     "Not authentic: malleated signature"},
    {Reason::weak_key, "weak_key", kNotAuthentic, "Not authentic: weak key"},
    {Reason::unknown_critical, "unknown_critical", kNotAuthentic,
     "Not accepted: unknown critical extension"},
    {Reason::wrong_device, "wrong_device", kNotAuthentic, "Not accepted: for another device model"},
    {Reason::wrong_from_version, "wrong_from_version", kNotAuthentic,
     "Not accepted: not from the running version"},
    {Reason::older_security_version, "older_security_version", kNotAuthentic,
     "Not accepted: older security version"},
    {Reason::expired, "expired", kNotAuthentic, "Not accepted: expired"},
    {Reason::wrong_order, "wrong_order", kNotAuthentic,
     "Not accepted: downgrade order for something else"},
    {Reason::older_trust, "older_trust", kNotAuthentic, "Not accepted: trust file is not newer"},
});

// One row a Reason, in their order, or the look-up below is wrong.
constexpr bool is_in_order() {
    for (std::size_t i = 0; i < kRows.size(); ++i)
        if (static_cast<std::size_t>(kRows[i].why) != i) return false;
    return kRows.size() == static_cast<std::size_t>(kLastReason) + 1;
}
static_assert(is_in_order());

const Row& row(Reason why) {
    return kRows[static_cast<std::size_t>(why)];
}

}  // namespace

int cwmp_fault(Reason why) {
    return row(why).fault;
}
std::string_view fault_string(Reason why) {
    return row(why).text;
}
std::string_view name_of(Reason why) {
    return row(why).name;
}

Error to_error(const Refused& refused) {
    std::string line(fault_string(refused.why));
    if (!refused.detail.empty()) line += " (" + refused.detail + ")";
    return Error{std::move(line)};
}

}  // namespace sluice::image
