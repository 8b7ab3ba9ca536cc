#pragma once
// Where a store may be: a file of its own, or a database on the test program's PostgreSQL. Tests
// that are TEST_P(AnyStore, …) run on both.

#include <memory>

#include "tests/store/opened_store.hpp"

namespace sluice::store {

class Place {
public:
    virtual ~Place() = default;
    virtual std::string url() const = 0;
    // Behind the store's back.
    virtual void run_sql(const std::string& sql) const = 0;
};

enum class Back { sqlite, postgres };
std::unique_ptr<Place> make_place(Back back);  // nothing: not to be had on this machine
inline void PrintTo(Back back, std::ostream* out) {
    *out << (back == Back::sqlite ? "SQLite" : "PostgreSQL");
}

class AnyStore : public testing::TestWithParam<Back> {
protected:
    void SetUp() override;

    std::unique_ptr<Place> place;
};

}  // namespace sluice::store
