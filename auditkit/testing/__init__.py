"""For tests of probes, third parties' too: synthetic traces, a stub of the bench, the contract.

from auditkit.testing import check_probe, contract_traces

@pytest.mark.parametrize("name, trace", contract_traces().items())
def test_contract(name, trace):
    check_probe(MyProbe(), trace)
"""

from auditkit.testing.bench import SyntheticBench
from auditkit.testing.contract import check_probe
from auditkit.testing.synthetic import synthetic_trace
from auditkit.testing.traces import (
    contract_traces,
    replace_tables,
    resharded,
    whole,
    with_depth,
)

__all__ = [
    "SyntheticBench", "check_probe", "contract_traces", "replace_tables", "resharded",
    "synthetic_trace", "whole", "with_depth",
]  # fmt: skip
