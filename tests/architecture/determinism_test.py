"""Whatever the order of sets: equal seeds, equal architectures. And no TensorFlow anywhere."""

import os
import subprocess
import sys

PROGRAM = """
import hashlib, json, sys
import numpy as np
from official.architecture import guidance
from official.architecture.mutation import mutate
from official.architecture.random_generation import found
from official.architecture.space import load_space, names

digest = hashlib.sha256()
for name in names():
  for guidance_name in guidance.names():
    rng = np.random.default_rng(7)
    founder = found(load_space(name), rng)
    digest.update(json.dumps(founder.to_json()).encode())
    parent = founder.architecture
    for _ in range(15):
      weights = {connection: rng.random() for connection in parent.connections}
      child = mutate(parent, weights, load_space(name), rng, guidance=guidance_name,
                     sensitivities=weights)
      digest.update(json.dumps(child.to_json()).encode())
      parent = child.architecture
assert not [module for module in sys.modules if module.startswith(("tensorflow", "keras", "tf_"))]
print(digest.hexdigest())
"""


def run(hash_seed):
  path = os.pathsep.join(entry for entry in sys.path if entry)
  return subprocess.run(
    [sys.executable, "-c", PROGRAM],
    check=True,
    capture_output=True,
    text=True,
    env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path},
  ).stdout


def test_equal_seeds_make_equal_children_under_any_hash_seed():
  assert run("1") == run("2")
