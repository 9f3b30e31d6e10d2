"""From a policy to pixels, in one direction: `lower` (instructions, draws) -> `segment` (cuts) -> `infer` (sizes,
dtypes) -> `compile` (the core's plans) -> `runner` (makes batches). They all work on `program`. `explain` prints a
program; `reference` runs it in float64 NumPy, slowly."""
