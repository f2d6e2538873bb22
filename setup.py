"""`src/` is the import package `afraz`: every package below it is found and prefixed, so a wheel holds them all."""

from setuptools import find_packages, setup

setup(
    packages=["afraz", *(f"afraz.{name}" for name in find_packages("src"))],
    package_dir={"afraz": "src"},
    package_data={"afraz": ["py.typed"], "afraz.reports": ["templates/*/*.j2"]},
)
