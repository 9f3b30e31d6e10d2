"""Print what pyproject.toml requires, so that pip can install it without building the package.

Arguments: names of extras; `--run` stands for the package's own needs.
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(__file__).parent.parent.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = {"--run": project["dependencies"], **project["optional-dependencies"]}
for name in sys.argv[1:]:
    print(*extras[name], sep="\n")
