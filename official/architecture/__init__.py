"""The genome of a network: blocks, their connections, and what may be made of them. No TensorFlow.

architecture.py       the graph and its rules
kinds.py, cost.py     what a kind of block consists of; what a whole network costs
serialization.py      architectures as JSON
structure_list.py     architectures as TF Model Garden writes AssembleNets, both ways
presets.py, presets/  the published networks by name
space.py, spaces/     what a search may draw from, as JSON (fields.py reads it)
feasibility.py        which architectures are deep enough and within the budgets
random_generation.py  the first candidates
guidance/             from a trained parent to the connections that its children keep
operators.py          split, merge, new temporal dilation
mutation.py           a parent and what its training taught -> a child
"""
