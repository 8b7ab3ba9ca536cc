"""The main job on real processes: what a fleet, its operator and its accidents do to each other."""
