"""The search, its networks and their training, inside the namespace of tf-models-official.

`tf-models-official` installs a package of the same name. Extending `__path__` lets both be imported
side by side: `official.evolve` from here, `official.core` from there. The repository root must come
first on `sys.path` (`python -m official.evolve`, pytest with `pythonpath = .`, Bazel).
"""

__path__ = __import__("pkgutil").extend_path(__path__, __name__)
