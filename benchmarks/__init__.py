"""Measures vary against its peers, and counts the instructions of its kernels. NOTES.md describes the method.

python -m benchmarks                 time everything, store the results
python -m benchmarks.report          turn the newest results into docs/benchmarks.md and its chart
python -m benchmarks.instructions    compare the kernels' instruction counts with instructions.json
"""
