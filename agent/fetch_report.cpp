#include "agent/fetch_report.hpp"

#include "engine/net/log.hpp"

namespace sluice::agent {
namespace {

std::string text_of(SourceIndex source) {
    return std::to_string(source.value);
}

}  // namespace

std::string_view name_of(transfer::Parting why) {
    switch (why) {
        case transfer::Parting::silent:
            return "silent";
        case transfer::Parting::faulty:
            return "faulty";
        case transfer::Parting::starving:
            return "starving";
        case transfer::Parting::poisoned:
            break;
    }
    return "poisoned";
}

std::string_view name_of(transfer::Failure why) {
    switch (why) {
        case transfer::Failure::no_source_left:
            return "no source left";
        case transfer::Failure::corrupt_image:
            return "corrupt image";
        case transfer::Failure::budget_spent:
            return "origin budget spent";
        case transfer::Failure::store_failed:
            return "store failed";
        case transfer::Failure::cancelled:
            break;
    }
    return "cancelled";
}

void FetchReport::layer(SourceIndex source) {
    file_.write("layer", {{"source", source.value}});
}

void FetchReport::request(RequestId id, SourceIndex source, PieceRun run, std::size_t found) {
    file_.write("request", {{"id", id.value},
                            {"source", source.value},
                            {"first", run.first.value},
                            {"count", run.count},
                            {"found", found}});
}

void FetchReport::piece(PieceIndex piece, SourceIndex source) {
    file_.write("piece", {{"piece", piece.value}, {"source", source.value}});
}

void FetchReport::brought(PieceIndex piece) {
    file_.write("piece", {{"piece", piece.value}, {"source", "swarm"}});
}

void FetchReport::banned(const std::string& address) {
    file_.write("banned", {{"source", "swarm"}, {"address", address}});
    net::log_warning("banned a peer of the swarm: a piece of its is proven wrong",
                     {{"address", address}});
}

void FetchReport::left(SourceIndex source, transfer::Parting why) {
    file_.write("left", {{"source", source.value}, {"why", name_of(why)}});
    net::log_info("left a source",
                  {{"source", text_of(source)}, {"why", std::string(name_of(why))}});
}

void FetchReport::banned(SourceIndex source, PieceIndex piece) {
    file_.write("banned", {{"source", source.value}, {"piece", piece.value}});
    net::log_warning("banned a source: a piece of its is proven wrong",
                     {{"source", text_of(source)}, {"piece", std::to_string(piece.value)}});
}

void FetchReport::trouble(SourceIndex source, const std::string& why) {
    net::log_info("no bytes", {{"source", text_of(source)}, {"why", why}});
}

}  // namespace sluice::agent
