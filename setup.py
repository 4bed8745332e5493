"""Keeps `official/__init__.py` out of the wheel; everything else is in pyproject.toml.

tf-models-official installs a file of that name. With ours in the wheel, the one installed last
would win, and uninstalling either would break the other. Without it the two share the folder in
either order of installation. In a checkout the file is needed: there the two folders differ.
"""

import setuptools
from setuptools.command import build_py


class BuildWithoutSharedInit(build_py.build_py):
  """Collects the modules of each package but the one that tf-models-official installs."""

  def find_package_modules(self, package, package_dir):
    modules = super().find_package_modules(package, package_dir)
    return [module for module in modules if module[:2] != ("official", "__init__")]


setuptools.setup(cmdclass={"build_py": BuildWithoutSharedInit})
