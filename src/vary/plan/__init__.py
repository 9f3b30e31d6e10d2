"""From a policy to pixels, in one direction: `lower` (instructions, draws) -> `fuse` (cuts) -> `check` (sizes, types)
-> `run` (one native call a batch), around the one noun `program`. `explain` tells it to people; `reference` does it
again, slowly, in float64 NumPy; `decode` opens files."""
