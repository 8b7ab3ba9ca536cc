#include "tests/split_lab/one_bench.hpp"

namespace sluice::split::lab {
namespace {

struct Opened {
    std::string why_not;
    std::unique_ptr<Bench> bench = Bench::open(why_not);
};
const Opened& opened() {
    static const Opened kOpened;
    return kOpened;
}

}  // namespace

Bench* the_bench() {
    return opened().bench.get();
}
const std::string& why_no_bench() {
    return opened().why_not;
}

}  // namespace sluice::split::lab
