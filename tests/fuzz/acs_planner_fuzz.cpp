// Every JSON that libsluice_acs takes, and the rows that it is given back: whatever comes, it
// answers with a code and a text, and a planner that took it takes the next call. The first byte
// says which call the rest is for.
#include <cstdint>
#include <cstdlib>
#include <sluice/acs_planner.h>
#include <string>

namespace {

constexpr std::int64_t kNow = 1'780'000'000'000;

sluice_planner* a_planner() {
    sluice_options options{};
    options.size = sizeof options;
    options.abi_version = SLUICE_ABI_VERSION;
    options.origin_url = "http://198.51.100.7";
    options.persist = [](void*, const sluice_row* const*, std::size_t) { return 0; };
    options.random = [](void*, std::uint8_t* bytes, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i);
        return 0;
    };
    sluice_planner* out = nullptr;
    if (sluice_planner_create(&options, &out, nullptr) != SLUICE_OK) std::abort();
    return out;
}

int restore(sluice_planner* planner, const std::string& text, char** error) {
    static constexpr const char* kKinds[] = {"device",         "image",        "rollout",
                                             "rollout_device", "origin_count", "site_import",
                                             "policy",         "canary"};
    if (text.empty()) return SLUICE_OK;
    const auto* kind = kKinds[static_cast<unsigned char>(text.front()) % std::size(kKinds)];
    const sluice_row row{sizeof(sluice_row), kind, "", "", text.c_str() + 1, text.size() - 1};
    const sluice_row* one = &row;
    const int status = sluice_planner_restore_rows(planner, &one, 1, error);
    if (status != SLUICE_OK) return status;
    return sluice_planner_restore_end(planner, error);
}

int call(sluice_planner* planner, unsigned which, const char* text, char** out, char** error) {
    switch (which % 6) {
        case 0:
            return sluice_planner_exchange(planner, text, kNow, out, error);
        case 1:
            return sluice_planner_contact(planner, text, kNow, out, error);
        case 2:
            return sluice_planner_publish(planner, text, "fuzz", kNow, out, error);
        case 3:
            return sluice_planner_start_rollout(planner, text, "fuzz", kNow, out, error);
        case 4:
            return sluice_planner_import_sites(planner, text, "fuzz", kNow, error);
        default:
            return sluice_planner_set_policy(planner, text, "fuzz", kNow, error);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto* planner = a_planner();
    char *out = nullptr, *error = nullptr;
    int status = SLUICE_OK;
    if (data[0] == 'r') {
        status = restore(planner, text, &error);
    } else {
        if (sluice_planner_restore_end(planner, nullptr) != SLUICE_OK) std::abort();
        status = call(planner, data[0], text.c_str(), &out, &error);
        if (sluice_planner_on_time(planner, kNow, nullptr) != SLUICE_OK) std::abort();
    }
    if ((status == SLUICE_OK) != (error == nullptr) || status == SLUICE_INTERNAL) std::abort();
    sluice_free(out);
    sluice_free(error);
    sluice_planner_destroy(planner);
    return 0;
}
