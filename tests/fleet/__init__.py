"""A whole fleet on this machine, every program real: sluice-acs, agents, CPEs of another make, each
on a loopback address of its own. The demo shows it to people, end_to_end tests it."""
