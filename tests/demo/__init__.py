"""`./dev demo`: a fleet upgraded by TR-069 before your eyes. Real processes on loopback addresses of
their own: sluice-acs, agents, plain CPEs; the operator's side is the `sluice` command."""
