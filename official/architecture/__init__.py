"""The genome of a network: its blocks, their connections, and the rules for changing them.

architecture       the graph and its rules
activations        the memory that a network's activations take in training
balance            how many connections a child gains for those that it lost
canonical          a canonical form, by which equal networks are recognised
cost               what a whole network costs: parameters, operations, memory
dead_choices       choices of a search space that make no difference
dense_cost         what a head costs that answers for every pixel
feasibility        which architectures are deep enough, within the budgets, and new
fields             reads JSON objects field by field
guidance           guidances: which connections of a trained parent its children keep
hand_made          networks that a person would draw first, of any size
kinds              what each kind of block consists of
lineage            which channels of which blocks of its parent a child's blocks consist of
membership         whether an architecture obeys the rules of a search space
mutation           makes a child from a parent and the facts of its training
network_version    the version of what networks compute
operators          split, merge, new temporal dilation
presets            the published networks by name, from presets/
random_generation  the first candidates of a search
serialization      architectures as JSON
sources            architectures by name, by file or by candidate, for command lines
space              search spaces as JSON, from spaces/ or a file
structure_list     architectures in the notation of TF Model Garden, both ways

Nothing here imports TensorFlow.
"""
