"""The search, its networks and their training, inside the namespace of tf-models-official.

evolve           the main that searches, trains the winner and exports it
train            the main that trains one architecture
export           the main that exports trained networks, or verifies an export
predict          the main that asks a SavedModel about videos
status           the main that reports how far a search is
report           the main that shows what a run found, in one page
compare          the main that compares runs
export_optuna    the main that writes a search for optuna-dashboard
model_garden     Model Garden's own training program, with our architectures registered
video_evolution  the front door for Python users
programs         what the mains and the front door do, as functions of values
network          builds the Keras model of an architecture
architecture     the genome: blocks, connections, search spaces, mutation, cost
layers           Keras layers and block kinds
inputs           batches of clips from a prepared dataset
tasks            the questions that a network answers: targets, losses, metrics
training         one training: recipe, trainer, evaluation, report
runs             run directories, executors, locks: what trains things and survives kills
search           the algorithm: population, proposals, the loop
reports          pages and pictures of what a run found
serving          SavedModels: signatures, versions, verification, predictions
garden           registrations in TF Model Garden

`tf-models-official` installs a package of the same name. Extending `__path__` lets both be imported
side by side: `official.evolve` from here, `official.core` from there. The repository root must come
first on `sys.path` (`python -m official.evolve`, pytest with `pythonpath = .`, Bazel).
"""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)
