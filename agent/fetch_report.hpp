#pragma once
// What a transfer does, told twice: a line of the report file for programs, and, where a person
// would want to know, one of the log.

#include <string>
#include <string_view>

#include "agent/report_file.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/transfer/events.hpp"

namespace sluice::agent {

std::string_view name_of(transfer::Parting why);
std::string_view name_of(transfer::Failure why);

class FetchReport {
public:
    explicit FetchReport(ReportFile& file) : file_(file) {}

    void layer(SourceIndex source);
    void request(RequestId id, SourceIndex source, PieceRun run, std::size_t found);
    void piece(PieceIndex piece, SourceIndex source);
    void brought(PieceIndex piece);  // by the swarm
    void banned(const std::string& address);
    void left(SourceIndex source, transfer::Parting why);
    void banned(SourceIndex source, PieceIndex piece);
    void trouble(SourceIndex source, const std::string& why);

private:
    ReportFile& file_;
};

}  // namespace sluice::agent
