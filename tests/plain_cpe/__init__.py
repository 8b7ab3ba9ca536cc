"""A CPE without Sluice's agent: a small TR-069 client of its own, which shares no line with the
engine and does on demand what real CPEs are known to do. Only the standard library."""
