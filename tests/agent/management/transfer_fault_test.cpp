// Which code and which words an ACS finds in TransferComplete.
#include "agent/management/transfer_fault.hpp"

#include <gmock/gmock.h>

namespace sluice::agent::management {
namespace {

using testing::HasSubstr;
using transfer::Failure;

TEST(TransferFault, OfAFetchFollowsWhatTheLastSourceSaid) {
    struct Case {
        Failure failure;
        const char* detail;
        std::uint32_t code;
        bool is_passing;
    };
    for (const auto& c :
         {Case{Failure::no_source_left, "source 0: connect: Connection refused", 9015, true},
          Case{Failure::no_source_left, "source 0: resolve: Host not found", 9015, true},
          Case{Failure::no_source_left, "source 0: TLS: certificate verify failed", 9015, true},
          Case{Failure::no_source_left, "", 9015, true},
          Case{Failure::no_source_left, "source 1: status 404", 9016, false},
          Case{Failure::no_source_left, "source 1: status 403", 9016, false},
          Case{Failure::no_source_left, "source 1: status 401", 9012, false},
          Case{Failure::no_source_left, "source 1: status 500", 9010, false},
          Case{Failure::no_source_left, "source 0: End of file", 9017, true},
          Case{Failure::corrupt_image, "", 9018, false},
          Case{Failure::budget_spent, "", 9016, false},
          Case{Failure::store_failed, "ENOSPC", 9010, false}}) {
        const auto fault = fault_of(c.failure, c.detail);
        EXPECT_EQ(code_of(fault.code), c.code) << c.detail;
        EXPECT_EQ(fault.is_passing, c.is_passing) << c.detail;
        EXPECT_THAT(fault.why, HasSubstr(c.detail));
    }
}

TEST(TransferFault, OfAnExchangeFollowsWhatWentWrong) {
    struct Case {
        net::ClientFault fault;
        std::uint32_t code;
    };
    for (const auto& c :
         {Case{net::ClientFault::unreachable, 9015}, Case{net::ClientFault::tls, 9015},
          Case{net::ClientFault::timed_out, 9017}, Case{net::ClientFault::disconnected, 9017},
          Case{net::ClientFault::bad_answer, 9010}})
        EXPECT_EQ(code_of(fault_of(net::ClientError{c.fault, "x"}).code), c.code);
}

TEST(TransferFault, OfAStatusSaysWhetherItMayPass) {
    for (const auto& [status, code, is_passing] : {std::tuple{401u, 9012u, false},
                                                   {403u, 9016u, false},
                                                   {404u, 9016u, false},
                                                   {410u, 9016u, false},
                                                   {500u, 9010u, true},
                                                   {503u, 9010u, true},
                                                   {429u, 9010u, true},
                                                   {302u, 9010u, false}}) {
        const auto fault = fault_of_status(status, "http://o.test");
        EXPECT_EQ(code_of(fault.code), code) << status;
        EXPECT_EQ(fault.is_passing, is_passing) << status;
    }
}

TEST(TransferFault, OfARefusedManifestKeepsItsReason) {
    EXPECT_EQ(code_of(fault_of(image::Refused{image::Reason::bad_root, ""}).code), 9018u);
    EXPECT_EQ(code_of(fault_of(image::Refused{image::Reason::expired, ""}).code), 9019u);
    EXPECT_EQ(fault_of(image::Refused{image::Reason::expired, "x"}).why,
              image::to_error({image::Reason::expired, "x"}).message);
}

}  // namespace
}  // namespace sluice::agent::management
