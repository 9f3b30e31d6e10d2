"""Runs the functions `check_*` of a file, in an environment with the frameworks; prints a JSON line for each.

python run.py FILE [KERAS_BACKEND]
"""

import importlib.util
import json
import os
import sys
import traceback
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
if len(sys.argv) > 2:
    os.environ["KERAS_BACKEND"] = sys.argv[2]

if __name__ == "__main__":  # processes that a check starts by spawn import this file, too
    warnings.filterwarnings("error", module=r"vary(\.|$)")  # frameworks warn of much; vary is not to
    spec = importlib.util.spec_from_file_location("child", sys.argv[1])
    assert spec is not None
    assert spec.loader is not None
    child = importlib.util.module_from_spec(spec)
    sys.modules["child"] = child
    spec.loader.exec_module(child)
    for name, check in list(vars(child).items()):
        if name.startswith("check_"):
            try:
                check()
                error = ""
            except BaseException:  # noqa: BLE001  the parent judges
                error = traceback.format_exc()
            print(json.dumps({"check": name, "error": error}), flush=True)
