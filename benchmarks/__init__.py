"""Benchmarks against floors: each compares what the product does with the least that could do the same, interleaved in one run."""
