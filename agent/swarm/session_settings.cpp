#include "agent/swarm/session_settings.hpp"

#include <algorithm>
#include <libtorrent/alert.hpp>
#include <libtorrent/ip_filter.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/settings_pack.hpp>

#include "agent/swarm/peer_filter.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::agent::swarm {
namespace {

using Pack = lt::settings_pack;

std::string host_and_port(const std::string& address, std::uint16_t port) {
    const bool is_v6 = address.find(':') != std::string::npos;
    return (is_v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

// Nobody is looked for, nobody is told, nothing but BitTorrent is spoken.
void close_all_other_doors(Pack& pack) {
    for (const auto door :
         {Pack::enable_dht, Pack::enable_lsd, Pack::enable_upnp, Pack::enable_natpmp,
          Pack::announce_to_all_tiers, Pack::announce_to_all_trackers,
          Pack::allow_multiple_connections_per_ip, Pack::enable_ip_notifier})
        pack.set_bool(door, false);
    pack.set_int(Pack::out_enc_policy, Pack::pe_disabled);
    pack.set_int(Pack::in_enc_policy, Pack::pe_disabled);
    pack.set_int(Pack::max_retry_port_bind, 0);
    pack.set_int(Pack::peer_dscp, 0);
}

void choose_transport(Pack& pack, planning::SwarmTransport transport) {
    const bool is_utp = transport == planning::SwarmTransport::utp;
    for (const auto way : {Pack::enable_incoming_utp, Pack::enable_outgoing_utp})
        pack.set_bool(way, is_utp);
    for (const auto way : {Pack::enable_incoming_tcp, Pack::enable_outgoing_tcp})
        pack.set_bool(way, !is_utp);
    pack.set_int(Pack::mixed_mode_algorithm, Pack::prefer_tcp);
}

// Peers are few, near, and come and go: all are kept, and who is lost is looked for again at once.
void keep_peers(Pack& pack) {
    // With the default a swarm of ten may hang at its last piece: peers drop the master that has
    // just finished.
    pack.set_bool(Pack::close_redundant_connections, false);
    pack.set_bool(Pack::smooth_connects, false);
    pack.set_int(Pack::connection_speed, 500);
    pack.set_int(Pack::torrent_connect_boost, 255);
    pack.set_int(Pack::connections_limit, 2 * kMostConnections);
    pack.set_int(Pack::listen_queue_size, 128);
    pack.set_int(Pack::min_reconnect_time, 0);
    pack.set_int(Pack::max_failcount, 1000);
    pack.set_int(Pack::peer_turnover, 0);
    pack.set_int(Pack::peer_connect_timeout, 1);
    pack.set_int(Pack::handshake_timeout, 5);
}

// A block that does not come is asked of somebody else soon.
void be_impatient(Pack& pack) {
    pack.set_int(Pack::tick_interval, 100);
    pack.set_int(Pack::request_timeout, 3);
    pack.set_int(Pack::piece_timeout, 3);
    pack.set_int(Pack::initial_picker_threshold, 0);
    pack.set_int(Pack::allowed_fast_set_size, 0);
}

void bound_memory(Pack& pack) {
    pack.set_int(Pack::max_queued_disk_bytes, 1 << 20);
    pack.set_int(Pack::send_buffer_watermark, 128 * 1024);
    pack.set_int(Pack::max_peer_recv_buffer_size, 128 * 1024);
    pack.set_int(Pack::max_allowed_in_request_queue, 500);
    // Short: what is asked of a master by one device is asked of it by all that have room, and a
    // link as slow as the origin's then carries the same piece many times.
    pack.set_int(Pack::max_out_request_queue, 8);
    pack.set_int(Pack::request_queue_time, 1);
    pack.set_int(Pack::alert_queue_size, 500);
    pack.set_int(Pack::max_peerlist_size, static_cast<int>(planning::kMaxSwarmPeers));
}

}  // namespace

lt::ip_filter filter_of(const std::vector<planning::SwarmPeer>& peers) {
    lt::ip_filter filter;
    filter.add_rule(lt::make_address("0.0.0.0"), lt::make_address("255.255.255.255"),
                    lt::ip_filter::blocked);
    filter.add_rule(lt::make_address("::"),
                    lt::make_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
                    lt::ip_filter::blocked);
    for (const auto& peer : peers) {
        lt::error_code error;
        const auto address = lt::make_address(peer.address, error);
        if (!error) filter.add_rule(address, address, 0);
    }
    return filter;
}

void prepare_session(lt::session_params& params, const std::string& address,
                     const planning::SwarmTerms& terms) {
    auto& pack = params.settings;
    pack.set_str(Pack::listen_interfaces, host_and_port(address, terms.port));
    pack.set_str(Pack::outgoing_interfaces, address);
    pack.set_str(Pack::user_agent, "sluice-agent");
    pack.set_int(Pack::alert_mask, static_cast<int>(static_cast<std::uint32_t>(
                                       lt::alert_category::error | lt::alert_category::peer)));
    close_all_other_doors(pack);
    choose_transport(pack, terms.transport);
    keep_peers(pack);
    be_impatient(pack);
    bound_memory(pack);
    pack.set_int(Pack::unchoke_interval, 1);
    pack.set_int(Pack::choking_algorithm, Pack::fixed_slots_choker);
    pack.set_int(Pack::unchoke_slots_limit, static_cast<int>(terms.upload_slots));
    params.ip_filter = filter_of(terms.peers);
    params.extensions.clear();  // peers and metadata are exchanged with nobody
}

std::string torrent_file(const image::PieceLayout& layout, const image::Digest& pieces_root,
                         ByteView raw_layer) {
    std::string out = "d4:info" + image::info_dict(layout, pieces_root) + "12:piece layersd";
    if (layout.piece_count() > 1) {
        out += "32:";
        out += as_text(pieces_root.bytes);
        out += std::to_string(raw_layer.size()) + ":";
        out += as_text(raw_layer);
    }
    return out + "ee";
}

}  // namespace sluice::agent::swarm
