"""From a policy to pixels, in one direction: `lower` (instructions, draws) -> `segment` (cuts) -> `infer` (sizes,
types) -> `runner` (one native call a batch), around the one noun `program`. `explain` shows it to people; `reference`
does it again, slowly, in float64 NumPy."""
