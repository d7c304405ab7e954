# SPDX-License-Identifier: MIT
"""Says that a wheel that carries programs is for one platform, and for any Python of it."""

import pathlib

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.dist import Distribution

CARRIES_PROGRAMS = (pathlib.Path(__file__).parent / "swiftnet/programs_carried").is_dir()


class PlatformWheel(bdist_wheel):
    def get_tag(self):
        python, abi, platform = super().get_tag()
        return ("py3", "none", platform) if CARRIES_PROGRAMS else (python, abi, platform)


class PlatformDistribution(Distribution):
    def has_ext_modules(self):
        return CARRIES_PROGRAMS


setup(cmdclass={"bdist_wheel": PlatformWheel}, distclass=PlatformDistribution)
